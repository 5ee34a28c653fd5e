// Deploying: a checkpoint, the team's own command, the release recorded, the checks. A run like any other: killed
// anywhere, the journal and the target say whether the command finished.
#pragma once
#include <string>
#include <vector>

#include "app/site/workspace.h"
#include "model/plan.h"
#include "model/site.h"
#include "run/executor.h"

namespace backout::app {

struct DeployRequest {
  Version version;
  std::string commit;   // what it is made of; empty: looked up, if somebody knows it (commit_of)
  UserCommand command;  // argv as given after --; runs on this machine in the caller's directory
};

/// The plan of a deploy (checkpoint first; kRefused for a release that may not go out again), or of a checkpoint alone
/// when `command.argv` is empty.
Result<Plan> plan_deploy(const Workspace& workspace, const DeployRequest& request);

/// What the end of a deploy says about its release: serving and watched, or failed half-way, or never started.
std::vector<journal::NewEvent> end_of_deploy(const Plan& plan, const run::RunState& state, const run::RunEnd& end);

inline constexpr const char* kDeployStep = "deploy-command";

}  // namespace backout::app
