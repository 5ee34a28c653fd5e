// What the compose driver offers, from what was seen and saved. Pure.
#pragma once
#include <vector>

#include "driver/driver.h"

namespace backout::drivers::compose {

Result<std::vector<Step>> offer(const driver::Offering& offering);

}  // namespace backout::drivers::compose
