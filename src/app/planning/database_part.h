// DatabasePart: the database in a plan: what it is looked at with, which rung, and from which copy.
#pragma once
#include <memory>

#include "app/backups/archives.h"
#include "app/planning/planning.h"
#include "app/site/subject.h"
#include "model/plan.h"

namespace backout::app {

/// What a database driver must know of the plan, in its look and in its offer: which rung is asked for, and where the
/// code lies whose migrations may be undone.
void aim(Subject& subject, const Workspace& workspace, const PlanRequest& request, const Contract& contract);

/// A database is looked at together with what the code of the checkpoint asked of it. Other parts as they are.
Subject weighed_against(Subject subject, const Checkpoint* checkpoint, const PlanRequest& request);

/// Chooses the rung, or says why there is none: contract.database_rung, database_why, refusals. `journey.checkpoint` is
/// what brings `to` back, and may become what is returned: a team's own backup, to be kept for as long as the plan is
/// made.
Result<std::unique_ptr<StandIn>> decide_database(const Workspace& workspace, const PlanRequest& request,
                                                 const Subject& subject, const Seen& seen, const Release& from,
                                                 const Release& to, Journey& journey, Contract& contract);

/// Shown, and not hashed: the steps hold what is run.
void take_downs(const Json& seen, const Contract& contract, Forecast& forecast);

/// Rows that users wrote move: they must not write meanwhile.
bool moves_rows(const Contract& contract);

}  // namespace backout::app
