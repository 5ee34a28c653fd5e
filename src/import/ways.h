// Ways: where a runbook gives several ways to one end (Kubernetes or Docker Compose, option 1 or 2, PowerShell or bash,
// "# Using Rails"), or steps for a special case, one way can be a plan and the others cannot. Pure.
#pragma once
#include <string>
#include <vector>

#include "import/item.h"

namespace backout::import {

struct Ways {
  std::vector<std::string> left_out;  // by item: the way that it belongs to when that is not the one taken; else empty
  std::vector<std::string> told;      // "taken: a; left out: b, c"
};
/// The first of several, or those that `wanted` names by a part of their titles.
Ways ways_of(const Runbook& runbook, const std::vector<std::string>& wanted);

}  // namespace backout::import
