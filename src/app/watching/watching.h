// Watching: the looks that `tick` and `watch` take while a release is watched closely, each an event, and the end
// report. A watch is in the journal: any process may take the next look, and whoever finds its time over ends it.
#pragma once
#include <optional>

#include "app/watching/checking.h"
#include "journal/journal.h"
#include "model/evidence.h"
#include "model/plan.h"
#include "record/watch.h"
#include "run/executor.h"

namespace backout::app {

/// The watch that is on, as journal::Journal::watch tells it; null when none is.
Result<Json> open_watch(const Workspace& workspace);

/// Begins to watch the current release for `span`. kConflict when a watch is on.
Result<void> begin_watch(const Workspace& workspace, Millis span, const std::string& why);

struct WatchRound {
  Checked checked;
  bool trouble = false;                        // so many of the last looks failed
  std::optional<record::WatchSummary> report;  // its time was over: this is how it went
  std::vector<std::string> remarks;            // what went wrong beside the looks
};
/// What the signals said by now, where the site has any (app/watching/vigil.h): an alarm is trouble, and a watch that
/// ends while one of them is blind does not end well.
struct SignalsAtLook {
  std::vector<Evidence> evidence;
  Json habits = Json::object();  // kept when the watch ends well
};
/// Takes one look, writes it down, and ends the watch when its time is over or another release runs. REQUIRES: a watch
/// is on. kBusy while a run is unfinished.
Result<WatchRound> look_again(const Workspace& workspace, const SignalsAtLook& signals,
                              const std::function<void(const Look&)>& seen);

/// What the end of a run says about watches: the one before is over when another release came, and after a rollback
/// that was done the next begins, where backout.yaml asks for it.
std::vector<journal::NewEvent> watches_at_end(const Workspace& workspace, const Plan& plan, const run::RunEnd& end);

}  // namespace backout::app
