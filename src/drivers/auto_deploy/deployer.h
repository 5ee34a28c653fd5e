// Deployer: one thing that deploys by itself, as the commands that look at it, pause it and let it go on, and its
// answers read. Pure.
#pragma once
#include <string>

#include "base/json.h"
#include "host/host.h"

namespace backout::drivers {

struct Deployer {
  std::string name, kind;  // argocd | flux | container | cron | crontab | timer | run
  Json args;               // the whole subject
};
/// kInvalid naming the key.
Result<Deployer> deployer_from(const Json& args);

/// What it is called in sentences: "Argo CD's automated sync of shop".
std::string words_for(const Deployer& deployer);

/// What asks kubectl where its kubeconfig leads, for what is in a cluster; an empty argv for others.
host::Command place_command(const Deployer& deployer);
/// {"context", "server"}; both empty where there is no context. Kept as args["cluster"], every command looks first
/// whether kubectl still leads there, and does nothing elsewhere. kUnavailable.
Result<Json> place_in(const Deployer& deployer, const host::CommandResult& answer);

host::Command look_command(const Deployer& deployer);
/// `was`: of what its look said before, for those that are more than on or off.
Result<host::Command> pause_command(const Deployer& deployer);
Result<host::Command> resume_command(const Deployer& deployer, const Json& was);

/// Asks the API server whether it would take a pause: a patch of nothing, tried there. An empty argv for what is in no
/// cluster.
host::Command try_command(const Deployer& deployer);

struct DeployerState {
  bool there = true;     // else there is nothing that could deploy; and that is not "paused"
  bool paused = false;   // it does not go on by itself, not even after a reboot
  bool as_found = true;  // nothing of a pause of ours is left; of those where that is more than not paused
  Json was;              // how to put it back; null: nothing beside on and off
};
/// Errors: kUnavailable with the tool's words; kCorrupt.
Result<DeployerState> state_in(const Deployer& deployer, const host::CommandResult& answer);
/// Whether a pause is undone: it is there, and as `was` says it was found.
bool goes_on_as(const Deployer& deployer, const DeployerState& now, const Json& was);

}  // namespace backout::drivers
