// Reader: lines to the items of a runbook. Pure.
#pragma once
#include <vector>

#include "import/item.h"

namespace backout::import {

Runbook read_runbook(const std::vector<Line>& lines);

}  // namespace backout::import
