// Finish: the last lines of a run: the verdict, and what to type next.
#pragma once
#include "app/session.h"
#include "cli/command.h"

namespace backout::cli {

/// Prints the end of a run; returns its exit status.
int finish(const Globals& globals, const app::Workspace& workspace, const app::Finished& finished);

}  // namespace backout::cli
