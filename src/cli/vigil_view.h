// VigilView: what a watch over signals says on the terminal, and going back by itself where that was opted in for.
#pragma once
#include <optional>

#include "app/watching/vigil.h"
#include "cli/command.h"

namespace backout::cli {

/// Lines of evidence whose state is new, and the verdict when one was given.
void tell_round(const Globals& globals, const app::VigilRound& round);
/// All of the evidence, a line each.
void tell_evidence(const std::vector<Evidence>& evidence);

/// Goes back because the verdict says so and its class was opted in for: the exit status of that run. Nothing: it may
/// not, and a person has been told.
std::optional<int> act_on(const Globals& globals, const app::Workspace& workspace, const app::Vigil& vigil);

/// 1 for a release that is not good by its signals, 4 where one is blind, else 0.
int exit_by(const std::vector<Evidence>& evidence);

}  // namespace backout::cli
