// What ran on each host before a run: noted for an undo that cannot be limited to where its step was done.
#pragma once
#include <vector>

#include "app/site/workspace.h"
#include "model/step.h"

namespace backout::app {

/// For undos that say "everywhere": each host is asked once which version it runs, by the checks that know it, and the
/// answers are put beside it: "before": {host: version}, empty for one that did not tell. Sentences for the plan about
/// hosts that run something else than `from`. Nothing is asked when no undo says so.
Result<std::vector<std::string>> note_what_ran(const Workspace& workspace, const Version& from,
                                               std::vector<Step>& steps);

}  // namespace backout::app
