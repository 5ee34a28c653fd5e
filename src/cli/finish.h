// Finish: the last lines of a run: the verdict, and what to type next.
#pragma once
#include "app/acting/session.h"
#include "cli/command.h"
#include "cli/stage.h"

namespace backout::cli {

/// Prints the end of a run, below what was drawn of it; returns its exit status.
int finish(const Globals& globals, Stage& stage, const app::Workspace& workspace, const app::Finished& finished);

}  // namespace backout::cli
