// Assess: evidence, occurrences, what is known of the releases, and a person's answers -> facts, each with its source.
// Pure. A person's answer wins over what was derived; what was derived is kept in its detail.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "decide/attribution.h"
#include "model/evidence.h"
#include "model/observation.h"
#include "model/rule.h"

namespace backout::decide {

/// What is known of going back, from the journal, from the plan and from `ready`. Nothing: nobody looked.
struct WayBack {
  std::string from, to;                 // versions; `to` empty: nowhere to go back to
  WallTime deployed_at{};               // of `from`; epoch: unknown
  std::optional<bool> target_verified;  // its artifact is there and is what it was
  WallTime target_verified_at{};
  std::optional<bool> target_bad;        // marked bad, or rolled back from
  std::optional<Millis> target_age;      // how long it had served before `from` came
  bool target_known_good = false;        // then it is not young, whatever its age
  bool no_database = false;              // the site has none: no migration can be in the way
  std::string database_rung;             // of the plan: "leave", "step-down", "restore"; empty: no plan was made
  std::optional<std::string> migration;  // as fact `migration` has it, where somebody classified it
  std::optional<int64_t> rows_lost;      // that would neither stay nor be carried
  std::optional<bool> security_fix;      // `from` mends a hole
  std::optional<bool> freeze;
  bool rollback_running = false;
  bool from_came_by_rollback = false;             // going back further would be a chain
  std::optional<WallTime> automatic_rollback_at;  // the newest one on this site
};

/// Somebody's word on a fact: `backout decide --fact hotfix=20m`, a role's answer.
struct Answer {
  std::string fact, value;  // untrusted
  std::string by;
  WallTime at{};
};

struct AssessInput {
  WallTime now{};
  WayBack way_back;
  std::vector<Evidence> evidence;
  std::vector<Occurrence> occurrences;  // since the cutover
  // What sources said for people, by signal: {"clients", "bad_clients", "worst_routes": [{"route", "requests",
  // "failed"}]}; as Seen::figures, of the new release. Of other shapes: not looked at.
  std::map<std::string, Json> figures;
  std::vector<std::string> failing_checks;  // names of checks that fail now
  WallTime unhealthy_since{};               // the first failure of a row that has not ended; epoch: healthy or unknown
  bool service_failed_to_start = false, migrations_failed = false;  // by the deploy's own outcome
  bool canary = false;  // the release serves a part of the users, the old one the others
  std::vector<OtherDeploy> other_deploys;
  bool elevated_before = false;
  std::vector<Answer> answers;
};

/// A target that served for less than this, and never became known-good, is young.
inline constexpr Millis kYoung{60 * 60'000};
/// At most one automatic rollback of a site in this time.
inline constexpr Millis kRollbackPause{60 * 60'000};

/// The source of a severity that was concluded from the other facts.
inline constexpr std::string_view kConcluded = "the other facts";

struct Assessed {
  Facts facts;
  Attribution attribution;
  std::vector<std::string> refused;  // answers that are none: "hotfix=soon: expected ..."
};
Assessed assess(const AssessInput& input, const Policies& policies);

/// The severity that the other facts amount to (b.7's V): nothing when nothing is wrong. `alarm`: there is evidence.
/// Writes why into `why` when given.
std::optional<double> severity_of(const Facts& facts, bool alarm, const Policies& policies, std::string* why = nullptr);

}  // namespace backout::decide
