// What the run meant for users, and what is left to do after it, by the time it should be done.
#pragma once
#include "record/report.h"

namespace backout::record {

/// Sentences, the gravest first. REQUIRES: everything else of the report is there.
std::vector<std::string> impact_of(const Report& report);
/// Within 1 hour, 24 hours and 7 days of the end, as rollback runbooks have it; only what applies to this run.
std::vector<FollowUp> follow_ups_of(const Report& report);

}  // namespace backout::record
