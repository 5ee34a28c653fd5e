// The way out again: what must be so before a release that was rolled back from goes out once more. Comes out of every
// rollback. Pure.
#pragma once
#include "record/report.h"

namespace backout::record {

/// Empty unless the run was a rollback that left its release behind. REQUIRES: everything else of the report is there.
std::vector<Condition> next_time_of(const Report& report);

}  // namespace backout::record
