// Planning: look at the site, ask the drivers, hand offers and observations to the pure planner. Never touches the
// site.
#pragma once
#include <string>

#include "app/site/subject.h"
#include "app/site/workspace.h"
#include "model/plan.h"

namespace backout::app {

struct PlanRequest {
  RunKind kind = RunKind::kRollback;  // rollback or forward
  Version to;                         // empty: chosen (app/history/target.h)
  bool code_only = false, db_only = false;
  std::string rung;          // of the database ladder, asked for by a person; empty: the lowest that works
  std::string to_time;       // the database as it was then (points.h: checked_moment); empty: as the checkpoint has it
  Millis count_for{20'000};  // rows are counted so long, and what is left then is estimated
};

/// A plan of how to go from what runs to `to`; recorded in the journal as PlanMade. Exit 3 errors (kRefused, kNotFound)
/// when there is no way; a plan that exists but may not be run says so in contract.refusals.
Result<Plan> make_plan(const Workspace& workspace, const PlanRequest& request);
/// The same, of which nothing is recorded: for those who only want to know whether there is one.
/// `seen_before`: parts (by their subject's name) that were looked at just now, on all of their hosts, and need not be
/// looked at again.
using SeenParts = std::map<std::pair<plan::Part, std::string>, Seen>;
Result<Plan> draft_plan(const Workspace& workspace, const PlanRequest& request, const SeenParts& seen_before = {});

}  // namespace backout::app
