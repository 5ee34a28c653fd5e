// The last words of a run on a terminal: how long it took, and what became of the rows. Pure.
#pragma once
#include <string>
#include <vector>

#include "record/report.h"

namespace backout::record {

/// Lines without indentation: times, rows carried over, and one line for everything that was not ("! ..."), for a run
/// that put another state in place. Of one that was put back: what stays elsewhere. Empty for other runs.
std::vector<std::string> summary(const Report& report);

}  // namespace backout::record
