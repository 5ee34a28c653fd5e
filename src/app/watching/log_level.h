// The log level that is raised while a release is watched. The journal says that it is raised before it is, so whatever
// cuts this program off, the next tick, resume or abort puts it back. Commands act through the shim, under the lease.
#pragma once
#include "app/site/workspace.h"

namespace backout::app {

/// Raises it where backout.yaml says how, until `until`; nothing when it is raised already or nothing is said. kBusy
/// when somebody else has the site, or a run is unfinished.
Result<void> raise_log_level(const Workspace& workspace, WallTime until, const std::string& why);
/// Puts it back when it may be raised and nothing needs it any more: no watch is on, and its time is over or `now`.
/// True when it was put back.
Result<bool> put_log_level_back(const Workspace& workspace, bool now, const std::string& why);
/// The same under a lease that is held already, at the end of a run. What goes wrong is written down and tried again by
/// the next tick.
void settle_log_level(const Workspace& workspace, int64_t token);

}  // namespace backout::app
