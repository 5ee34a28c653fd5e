// What the checkout driver offers. Pure.
#pragma once
#include <string>
#include <vector>

#include "driver/driver.h"

namespace backout::drivers::checkout {

inline constexpr const char* kName = "checkout";

Result<std::vector<Step>> offer(const driver::Offering& offering);
/// The branch that a rollback to `version` is checked out on.
std::string rollback_branch(const std::string& version);

}  // namespace backout::drivers::checkout
