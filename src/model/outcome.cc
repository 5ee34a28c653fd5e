#include "model/outcome.h"

#include "model/names.h"

namespace backout {
namespace {
constexpr NameTable<OutcomeKind, 5> kNames{{{OutcomeKind::kApplied, "applied"},
                                            {OutcomeKind::kAlreadyDone, "already-done"},
                                            {OutcomeKind::kRefused, "refused"},
                                            {OutcomeKind::kFailed, "failed"},
                                            {OutcomeKind::kUnknown, "unknown"}}};
}

std::string_view name_of(OutcomeKind kind) { return name_in(kNames, kind); }
Result<OutcomeKind> outcome_kind_of(std::string_view name) { return value_in(kNames, name, "outcome"); }

Json to_json(const Outcome& outcome) {
  Json value = {{"kind", name_of(outcome.kind)},
                {"why", outcome.why},
                {"took_ms", outcome.took.count()},
                {"evidence", outcome.evidence}};
  if (outcome.exit_status) value["exit_status"] = *outcome.exit_status;
  return value;
}

Result<Outcome> outcome_from_json(const Json& value) {
  Outcome outcome;
  outcome.kind = TRY(outcome_kind_of(get_string(value, "kind")));
  outcome.why = get_string(value, "why");
  outcome.took = Millis(get_int(value, "took_ms"));
  outcome.evidence = get(value, "evidence");
  if (value.contains("exit_status")) outcome.exit_status = static_cast<int>(get_int(value, "exit_status"));
  return outcome;
}

}  // namespace backout
