// The rules for one table that both schemas have. Pure; see compare.h.
#pragma once
#include <vector>

#include "schema/compare.h"

namespace backout::schema {

/// Appends what differs. `wanted`: what the code was written for; `there`: what it would meet.
void compare_table(const Table& wanted, const Table& there, std::vector<Finding>& findings);

}  // namespace backout::schema
