// Observation: what one signal saw of one release in one second, as votes. The unit of everything that is decided.
//
// A vote is one client (or, where clients cannot be told apart, one request) in one second on one group of routes; it
// is bad when any of its requests failed. Ten failures of one client in one burst are one vote, so that failures that
// come in bursts do not look like ten witnesses. See docs/design/decide.md.
#pragma once
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

namespace backout {

/// Whose request it was. kOld serves beside kNew (a canary, two groups of servers) or served before the cutover.
enum class Arm { kNew, kOld };
std::string_view name_of(Arm arm);
Result<Arm> arm_of(std::string_view name);

/// Votes of `requests` requests each: (1, 90, 2) and (3, 4, 1) say 90 good and 2 bad votes of one request, 4 good and 1
/// bad of three.
struct Votes {
  int requests = 1;
  int64_t good = 0, bad = 0;
};

struct Observation {
  WallTime second{};  // whole seconds; of the event itself, not of its reading
  Arm arm = Arm::kNew;
  std::string release;               // as the source names it; empty: told by the time of the cutover
  std::vector<Votes> outcomes;       // failed or not, ascending `requests`
  std::vector<Votes> speeds;         // slower than the old release's p95 of that route, or not; empty: not measured
  int64_t requests = 0, failed = 0;  // raw counts, for people
};

/// A thing that counts by itself: an alert, a log template never seen before, a restart, a person's report.
struct Occurrence {
  std::string
      kind;  // "alert" | "alert-resolved" | "template" | "error-line" | "restart" | "exit" | "resource" | "report"
  WallTime at{};
  std::string what;     // untrusted text, sanitised, at most 300 bytes
  std::string release;  // empty: unknown
  int64_t count = 1;
  int64_t clients = 0;     // distinct, where the source knows; 0: it does not
  bool severe = false;     // an alert of severity page or critical, a crash loop, a report of "down"
  bool elsewhere = false;  // of a dependency, not of this site: evidence against the release
  Json more = Json::object();
};

/// What a signal saw since it was asked last. `blind` not empty: why nothing can be known; then there are no votes, and
/// that is neither good nor bad.
struct Seen {
  std::vector<Observation> observations;  // by second, oldest first; a second is told once, when it is over
  std::vector<Occurrence> occurrences;    // oldest first
  Json position = Json::object();  // how far was read: to be given back at the next look, also by another process
  std::string blind;
  Json figures = Json::object();     // for people: {"clients": 1020, "bad_clients": 141, "worst_routes": [...]}
  std::vector<std::string> remarks;  // "3 lines that are no access log lines": data was lost or not understood
};

Json to_json(const Observation& observation);
Result<Observation> observation_from_json(const Json& value);
Json to_json(const Occurrence& occurrence);
Result<Occurrence> occurrence_from_json(const Json& value);

}  // namespace backout
