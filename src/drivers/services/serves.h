// Does this service serve, and with the right code? Pure: judges a Look, never trusts what only claims to be so.
//
// A service serves when its main process lives, nothing of it started before the code was switched, none of it runs
// from another release, and the port is listened on by its own processes and by nobody else.
#pragma once
#include <set>
#include <string>

#include "drivers/services/look.h"
#include "model/outcome.h"

namespace backout::drivers {

struct Expected {
  std::string name;          // of the service, for messages
  int64_t main = 0;          // main process; 0: any of `family`
  std::set<int64_t> family;  // living processes that belong to the service
  LookAt at;
  std::set<int64_t> keepers;  // may hold the port for the family: PM2's daemon does in cluster mode
  int64_t min_age = 0;        // microseconds the main process must have lived; a crash at the start is not service
};

/// How long it must have lived (microseconds) when whoever keeps it has started it again by itself so often lately: an
/// "active" service that crashes and comes back is no service. `startup` is the time that it may take until it serves.
int64_t age_after_restarts(int64_t restarts, Millis startup);

/// Holds, or DoesNotHold with the liar named. Evidence: {pid, started_at, runs_from?, port?, holders?, switched_at?}.
Sight judge_serving(const Look& look, const Expected& expected);

/// Nobody listens on the port and nothing of `family` lives.
Sight judge_stopped(const Look& look, const Expected& expected);

/// The release that a process runs from by its working directory, program or arguments; empty when they do not say.
std::string release_of(const Look& look, int64_t pid);

/// {running, release?, port_open?}: what the plan may rely on; nothing that changes by itself, such as a pid.
Json stable_facts(const Look& look, const Expected& expected);

}  // namespace backout::drivers
