// What the releases driver offers. Pure.
#pragma once
#include <vector>

#include "driver/driver.h"

namespace backout::drivers::releases {

inline constexpr const char* kName = "releases";

Result<std::vector<Step>> offer(const driver::Offering& offering);

}  // namespace backout::drivers::releases
