#include "model/evidence.h"

#include "model/names.h"

namespace backout {
namespace {

constexpr NameTable<EvidenceState, 4> kStates{{{EvidenceState::kQuiet, "quiet"},
                                               {EvidenceState::kAlarm, "alarm"},
                                               {EvidenceState::kClear, "clear"},
                                               {EvidenceState::kBlind, "blind"}}};

}  // namespace

std::string_view name_of(EvidenceState state) { return name_in(kStates, state); }
Result<EvidenceState> evidence_state_of(std::string_view name) { return value_in(kStates, name, "state of evidence"); }

Json to_json(const Evidence& evidence) {
  Json value = {{"signal", evidence.signal},
                {"measure", evidence.measure},
                {"state", name_of(evidence.state)},
                {"votes", evidence.votes},
                {"bad", evidence.bad},
                {"old_votes", evidence.old_votes},
                {"old_bad", evidence.old_bad},
                {"requests", evidence.requests},
                {"failed", evidence.failed},
                {"tolerated", evidence.tolerated},
                {"decibels", evidence.decibels},
                {"needed", evidence.needed},
                {"bad_per_second", evidence.bad_per_second},
                {"why", evidence.why}};
  for (const auto& [name, time] : {std::pair("first_bad_ms", evidence.first_bad), std::pair("onset_ms", evidence.onset),
                                   std::pair("alarm_at_ms", evidence.alarm_at)})
    if (time != WallTime()) value[name] = to_millis(time);
  if (evidence.more_votes > 0) {
    value["more_votes"] = evidence.more_votes;
    value["more_ms"] = evidence.more_time.count();
  }
  return value;
}

Result<Evidence> evidence_from_json(const Json& value) {
  Evidence evidence;
  evidence.signal = get_string(value, "signal");
  evidence.measure = get_string(value, "measure");
  evidence.state = TRY(evidence_state_of(get_string(value, "state")));
  evidence.votes = get_int(value, "votes");
  evidence.bad = get_int(value, "bad");
  evidence.old_votes = get_int(value, "old_votes");
  evidence.old_bad = get_int(value, "old_bad");
  evidence.requests = get_int(value, "requests");
  evidence.failed = get_int(value, "failed");
  const auto number = [&](const char* name) {
    const Json& member = get(value, name);
    return member.is_number() ? member.get<double>() : 0.0;
  };
  evidence.tolerated = number("tolerated");
  evidence.decibels = number("decibels");
  evidence.needed = number("needed");
  evidence.bad_per_second = number("bad_per_second");
  evidence.first_bad = wall_from_millis(get_int(value, "first_bad_ms"));
  evidence.onset = wall_from_millis(get_int(value, "onset_ms"));
  evidence.alarm_at = wall_from_millis(get_int(value, "alarm_at_ms"));
  evidence.more_votes = get_int(value, "more_votes");
  evidence.more_time = Millis(get_int(value, "more_ms"));
  evidence.why = get_string(value, "why");
  return evidence;
}

}  // namespace backout
