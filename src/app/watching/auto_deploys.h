// Auto-deploys: what rollbacks have paused so that the bad release does not come back by itself, and how it goes on
// when its cause is resolved. A run's plan holds the step that paused it, with how it was found; the step's undo puts
// it back.
#pragma once
#include <string>
#include <vector>

#include "app/site/workspace.h"
#include "model/step.h"

namespace backout::app {

struct PausedDeploy {
  RunId run;
  Version left;                    // whose cause must be resolved
  Version to;                      // that it made serve
  Step step;                       // that paused it, or that looked whether it was paused already
  std::vector<std::string> hosts;  // where it has not gone on yet
};

/// What must stay paused while `version` serves, paused or found paused by rollbacks from releases whose cause is not
/// resolved; each once.
Result<std::vector<PausedDeploy>> must_stay_paused(const Workspace& workspace, const Version& version);

struct ResumedDeploy {
  std::string step, host;  // that had paused it
  bool done = false;
  std::string why;
};
struct ResumedDeploys {
  std::vector<ResumedDeploy> deploys;
  std::string waits_for;  // not empty: nothing goes on before the cause of this release is resolved, too
};
/// Lets everything go on that rollbacks paused, newest first, under the lease. What cannot is told and tried again by
/// the next call. kBusy when somebody else has the site or a run is unfinished.
Result<ResumedDeploys> resume_deploys(const Workspace& workspace);

}  // namespace backout::app
