// Staleness: what must not have moved between plan and run.
#pragma once
#include <map>
#include <string>

#include "app/subject.h"
#include "app/workspace.h"
#include "model/plan.h"

namespace backout::app {

/// What of a look at one part must still be so. Row counts and pids move all the time and are left out.
Json precondition_of(const Subject& subject, const Seen& seen);

/// Contract::preconditions: by the name of the part, and the release that is current.
Json preconditions(const Workspace& workspace, const Release& current, const std::map<std::string, Seen>& seen_by_name);

/// kConflict (a stale plan) naming what moved since it was made.
Result<void> still_holds(const Workspace& workspace, const Contract& contract);

}  // namespace backout::app
