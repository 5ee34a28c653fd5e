// Saving before a rollback: error logs and the configuration as it is now, kept with the record.
#pragma once
#include "app/site/workspace.h"

namespace backout::app {

/// Keeps the end of every file of `save:` and the files of code.config, on each host that has them, beside the journal
/// under their hash (mode 0600), each as a note of `run`. What cannot be read is noted and stops nothing.
Result<void> save_evidence(const Workspace& workspace, const RunId& run, int64_t token);

}  // namespace backout::app
