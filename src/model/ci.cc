#include "model/ci.h"

#include "model/names.h"

namespace backout {
namespace {
constexpr NameTable<CiState, 4> kNames{{{CiState::kUnknown, "unknown"},
                                        {CiState::kPending, "pending"},
                                        {CiState::kPassed, "passed"},
                                        {CiState::kFailed, "failed"}}};
}

std::string_view name_of(CiState state) { return name_in(kNames, state); }
Result<CiState> ci_state_of(std::string_view name) { return value_in(kNames, name, "CI result"); }

Json to_json(const CiResult& result) {
  return {{"result", name_of(result.state)},
          {"why", result.why},
          {"url", result.url},
          {"nothing_ran", result.nothing_ran},
          {"seen_at_ms", to_millis(result.seen_at)}};
}

CiResult ci_result_from_json(const Json& value) {
  CiResult result;
  if (const auto state = ci_state_of(get_string(value, "result"))) result.state = *state;
  result.why = get_string(value, "why");
  result.url = get_string(value, "url");
  result.nothing_ran = get_bool(value, "nothing_ran");
  result.seen_at = wall_from_millis(get_int(value, "seen_at_ms"));
  return result;
}

}  // namespace backout
