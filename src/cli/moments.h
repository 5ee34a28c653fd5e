// Moments: points in time as people say them; see relative() in terminal.h too. Pure.
#pragma once
#include <string>

#include "base/clock.h"

namespace backout::cli {

/// "12 Nov", with the year when it is another one than now's.
std::string day_of(WallTime at, WallTime now);
/// "6 days": how long something has been so.
std::string for_since(WallTime at, WallTime now);

}  // namespace backout::cli
