// The team's own backups, and those from a timer: no part of the way back, and what remains when that fails.
#pragma once
#include <vector>

#include "app/site/workspace.h"
#include "model/finding.h"

namespace backout::app::ready {

/// From what earlier tests recorded: nothing is tested here. Whatever is wrong is a warning; nothing when none are
/// configured.
std::vector<Finding> look_at_backups(const Workspace& workspace);

}  // namespace backout::app::ready
