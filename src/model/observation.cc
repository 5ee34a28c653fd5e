#include "model/observation.h"

#include "model/names.h"

namespace backout {
namespace {

constexpr NameTable<Arm, 2> kArms{{{Arm::kNew, "new"}, {Arm::kOld, "old"}}};

Json votes_json(const std::vector<Votes>& votes) {
  Json list = Json::array();
  for (const Votes& each : votes) list.push_back({each.requests, each.good, each.bad});
  return list;
}

Result<std::vector<Votes>> votes_from(const Json& list) {
  std::vector<Votes> votes;
  for (const Json& each : list) {
    if (!each.is_array() || each.size() != 3 || !each[0].is_number_integer() || !each[1].is_number_integer() ||
        !each[2].is_number_integer() || each[0].get<int64_t>() < 1 || each[1].get<int64_t>() < 0 ||
        each[2].get<int64_t>() < 0)
      return Error{Code::kCorrupt, "votes are [requests, good, bad]: " + each.dump().substr(0, 80), ""};
    votes.push_back({each[0].get<int>(), each[1].get<int64_t>(), each[2].get<int64_t>()});
  }
  return votes;
}

}  // namespace

std::string_view name_of(Arm arm) { return name_in(kArms, arm); }
Result<Arm> arm_of(std::string_view name) { return value_in(kArms, name, "arm"); }

Json to_json(const Observation& observation) {
  Json value = {{"second_ms", to_millis(observation.second)},
                {"arm", name_of(observation.arm)},
                {"outcomes", votes_json(observation.outcomes)},
                {"requests", observation.requests},
                {"failed", observation.failed}};
  if (!observation.release.empty()) value["release"] = observation.release;
  if (!observation.speeds.empty()) value["speeds"] = votes_json(observation.speeds);
  return value;
}

Result<Observation> observation_from_json(const Json& value) {
  Observation observation;
  observation.second = wall_from_millis(get_int(value, "second_ms"));
  observation.arm = TRY(arm_of(get_string(value, "arm")));
  observation.release = get_string(value, "release");
  observation.outcomes = TRY(votes_from(get(value, "outcomes")));
  observation.speeds = TRY(votes_from(get(value, "speeds")));
  observation.requests = get_int(value, "requests");
  observation.failed = get_int(value, "failed");
  return observation;
}

Json to_json(const Occurrence& occurrence) {
  Json value = {{"kind", occurrence.kind},
                {"at_ms", to_millis(occurrence.at)},
                {"what", occurrence.what},
                {"count", occurrence.count}};
  if (!occurrence.release.empty()) value["release"] = occurrence.release;
  if (occurrence.clients != 0) value["clients"] = occurrence.clients;
  if (occurrence.severe) value["severe"] = true;
  if (occurrence.elsewhere) value["elsewhere"] = true;
  if (!occurrence.more.empty()) value["more"] = occurrence.more;
  return value;
}

Result<Occurrence> occurrence_from_json(const Json& value) {
  if (get_string(value, "kind").empty()) return Error{Code::kCorrupt, "an occurrence without a kind", ""};
  Occurrence occurrence;
  occurrence.kind = get_string(value, "kind");
  occurrence.at = wall_from_millis(get_int(value, "at_ms"));
  occurrence.what = get_string(value, "what");
  occurrence.release = get_string(value, "release");
  occurrence.count = get_int(value, "count", 1);
  occurrence.clients = get_int(value, "clients");
  occurrence.severe = get_bool(value, "severe");
  occurrence.elsewhere = get_bool(value, "elsewhere");
  if (value.contains("more")) occurrence.more = value["more"];
  return occurrence;
}

}  // namespace backout
