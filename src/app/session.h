// Session: one command that acts: takes the site, carries a run on, gives the site back.
#pragma once
#include <optional>
#include <stop_token>
#include <string>

#include "app/workspace.h"
#include "run/executor.h"
#include "run/progress.h"
#include "run/ways.h"

namespace backout::app {

struct PlanRequest;

struct Acting {
  run::Progress& progress;
  run::Asker& asker;
  std::stop_source stop;   // requested by Ctrl-C, and by the loss of the lease
  bool automatic = false;  // backout acts by itself: nobody said yes to this run
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

/// The unfinished run of the site, if there is one.
Result<std::optional<journal::RunRow>> unfinished(const Workspace& workspace);

/// The run that a person means by its own number, by its incident's, or by that of an incident which was opened beside
/// it.
Result<std::optional<RunId>> run_named(journal::Journal& journal, const SiteId& site, const std::string& name);

/// A run as its journal has it: for whoever says what can be done with it.
struct Told {
  Plan plan;
  run::RunState state;
};
Result<Told> told(const Workspace& workspace, const journal::RunRow& row);
/// kRefused, naming what can be done with it.
Error is_unfinished(const journal::RunRow& row, const Told& told);

/// Ends an unfinished run that a new one may replace (a deploy; a rollback that opened the door or tried to; one whose
/// putting back cannot open it) as what it is, so that the next one may begin. kBusy while a command of it still runs;
/// kRefused when it must be resumed or aborted instead. A run that could not be put back is closed only for a rollback,
/// `next`, and only when that has a plan: else it stays as it is, to be taken up.
Result<void> make_way(const Workspace& workspace, Acting& acting, const PlanRequest* next = nullptr);

}  // namespace backout::app
