// Session: one command that acts: takes the site, carries a run on, gives the site back.
#pragma once
#include <optional>
#include <stop_token>
#include <string>

#include "app/planning/staleness.h"
#include "app/site/workspace.h"
#include "run/executor.h"
#include "run/progress.h"
#include "run/ways.h"

namespace backout::app {

struct PlanRequest;

struct Acting {
  run::Progress& progress;
  run::Asker& asker;
  std::stop_source stop;           // requested by Ctrl-C, and by the loss of the lease
  bool automatic = false;          // backout acts by itself: nobody said yes to this run
  std::optional<LookedAt> looked;  // before the plan was made, when this command made it
};

struct Finished {
  RunId run;
  IncidentId incident;
  Plan plan;
  run::RunEnd end;
};

/// Starts a run of `plan` and carries it to its end or to a stop. kRefused when the contract says that it may not be
/// run or another run is unfinished; kBusy; kConflict when the plan is stale.
Result<Finished> start(const Workspace& workspace, const Plan& plan, const std::string& reason, Acting& acting);

/// Takes up the newest unfinished run, or `run`. kNotFound when there is nothing to do.
Result<Finished> take_up(const Workspace& workspace, const RunId& run, run::Wish wish, Acting& acting);

/// Ends an unfinished run that a new one may replace (a deploy; a rollback that opened the door or tried to; one whose
/// putting back cannot open it) as what it is, so that the next one may begin. kBusy while a command of it still runs;
/// kRefused when it must be resumed or aborted instead. A run that could not be put back is closed only for a rollback,
/// `next`, and only when that has a plan: else it stays as it is, to be taken up.
Result<void> make_way(const Workspace& workspace, Acting& acting, const PlanRequest* next = nullptr);

}  // namespace backout::app
