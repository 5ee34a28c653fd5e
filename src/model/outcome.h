// Outcome of a step on a host. Unknown is a value: a timeout is Unknown, and only looking again resolves it.
#pragma once
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/json.h"

namespace backout {

enum class OutcomeKind { kApplied, kAlreadyDone, kRefused, kFailed, kUnknown };
std::string_view name_of(OutcomeKind kind);
Result<OutcomeKind> outcome_kind_of(std::string_view name);

struct Outcome {
  OutcomeKind kind = OutcomeKind::kUnknown;
  std::string why;                 // one line for a person: what was seen
  std::optional<int> exit_status;  // of the command, when one ran and ended
  Millis took{0};
  Json evidence = Json::object();  // what the driver observed (pid, version, row counts ...); part of the journal
  bool succeeded() const { return kind == OutcomeKind::kApplied || kind == OutcomeKind::kAlreadyDone; }
};
Json to_json(const Outcome& outcome);
Result<Outcome> outcome_from_json(const Json& value);

/// What a look saw.
enum class SightKind { kHolds, kDoesNotHold, kCannotTell };
struct Sight {
  SightKind kind = SightKind::kCannotTell;
  std::string why;  // "expected v2.3.1 from /version, got v2.4.0"
  Json evidence = Json::object();
  static Sight holds(std::string why_so, Json seen = Json::object()) {
    return {SightKind::kHolds, std::move(why_so), std::move(seen)};
  }
  static Sight does_not_hold(std::string why_so, Json seen = Json::object()) {
    return {SightKind::kDoesNotHold, std::move(why_so), std::move(seen)};
  }
  static Sight cannot_tell(std::string why_so, Json seen = Json::object()) {
    return {SightKind::kCannotTell, std::move(why_so), std::move(seen)};
  }
};

}  // namespace backout
