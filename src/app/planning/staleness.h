// Staleness: what must not have moved between plan and run.
#pragma once
#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "app/site/subject.h"
#include "app/site/workspace.h"
#include "model/plan.h"

namespace backout::app {

/// What of a look at one part must still be so. Row counts and pids move all the time and are left out; what a migrator
/// has noted as applied is not.
Json precondition_of(const Subject& subject, const Seen& seen);

/// Contract::preconditions: by the name of the part, and the release that is current.
Json preconditions(const Workspace& workspace, const Release& current, const std::map<std::string, Seen>& seen_by_name);

/// The moment before the looks that a plan is made from.
struct LookedAt {
  std::chrono::steady_clock::time_point began;
  RunId newest_run;  // of the site; empty: there was none
};
Result<LookedAt> looking_now(const Workspace& workspace);

/// kConflict (a stale plan) naming what moved since it was made. The caller holds the lease. `looked`: when the plan
/// was made in the same command; looks that are younger than kFresh, with no run begun since, are not taken again.
inline constexpr std::chrono::seconds kFresh{2};
Result<void> still_holds(const Workspace& workspace, const Contract& contract,
                         const std::optional<LookedAt>& looked = std::nullopt);

}  // namespace backout::app
