#include "decide/recorded.h"

namespace backout::decide {
namespace {

void put(Json& value, const char* name, const std::optional<bool>& known) {
  if (known) value[name] = *known;
}
void put(Json& value, const char* name, WallTime at) {
  if (at != WallTime()) value[name] = to_millis(at);
}
std::optional<bool> flag_in(const Json& value, const char* name) {
  const Json& member = get(value, name);
  return member.is_boolean() ? std::optional<bool>(member.get<bool>()) : std::nullopt;
}
std::optional<int64_t> whole_in(const Json& value, const char* name) {
  const Json& member = get(value, name);
  return member.is_number_integer() ? std::optional<int64_t>(member.get<int64_t>()) : std::nullopt;
}
WallTime time_in(const Json& value, const char* name) { return wall_from_millis(get_int(value, name)); }
double number_in(const Json& value, const char* name, double otherwise) {
  const Json& member = get(value, name);
  return member.is_number() ? member.get<double>() : otherwise;
}

Json json_of(const WayBack& way) {
  Json value = {{"from", way.from},
                {"to", way.to},
                {"target_known_good", way.target_known_good},
                {"no_database", way.no_database},
                {"database_rung", way.database_rung},
                {"rollback_running", way.rollback_running},
                {"from_came_by_rollback", way.from_came_by_rollback}};
  put(value, "deployed_at_ms", way.deployed_at);
  put(value, "target_verified", way.target_verified);
  put(value, "target_verified_at_ms", way.target_verified_at);
  put(value, "target_bad", way.target_bad);
  if (way.target_age) value["target_age_ms"] = way.target_age->count();
  if (way.migration) value["migration"] = *way.migration;
  if (way.rows_lost) value["rows_lost"] = *way.rows_lost;
  put(value, "security_fix", way.security_fix);
  put(value, "freeze", way.freeze);
  if (way.automatic_rollback_at) value["automatic_rollback_at_ms"] = to_millis(*way.automatic_rollback_at);
  return value;
}

WayBack way_back_from(const Json& value) {
  WayBack way;
  way.from = get_string(value, "from");
  way.to = get_string(value, "to");
  way.deployed_at = time_in(value, "deployed_at_ms");
  way.target_verified = flag_in(value, "target_verified");
  way.target_verified_at = time_in(value, "target_verified_at_ms");
  way.target_bad = flag_in(value, "target_bad");
  if (const auto age = whole_in(value, "target_age_ms")) way.target_age = Millis(*age);
  way.target_known_good = get_bool(value, "target_known_good");
  way.no_database = get_bool(value, "no_database");
  way.database_rung = get_string(value, "database_rung");
  if (value.contains("migration")) way.migration = get_string(value, "migration");
  way.rows_lost = whole_in(value, "rows_lost");
  way.security_fix = flag_in(value, "security_fix");
  way.freeze = flag_in(value, "freeze");
  way.rollback_running = get_bool(value, "rollback_running");
  way.from_came_by_rollback = get_bool(value, "from_came_by_rollback");
  if (const auto at = whole_in(value, "automatic_rollback_at_ms")) way.automatic_rollback_at = wall_from_millis(*at);
  return way;
}

Json json_of(const Costs& costs) {
  return {{"approval_ms", costs.approval.count()},    {"roll_back_ms", costs.roll_back.count()},
          {"roll_back_fails", costs.roll_back_fails}, {"flag_off_ms", costs.flag_off.count()},
          {"flag_works", costs.flag_works},           {"hotfix_overrun", costs.hotfix_overrun},
          {"hotfix_works", costs.hotfix_works},       {"hotfix_if_failed_ms", costs.hotfix_if_failed.count()},
          {"lost_rows_weigh", costs.lost_rows_weigh}, {"growth", costs.growth},
          {"horizon_ms", costs.horizon.count()},      {"source", costs.source}};
}

Costs costs_from(const Json& value) {
  Costs costs;
  const auto span = [&](const char* name, Millis& into) { into = Millis(get_int(value, name, into.count())); };
  const auto number = [&](const char* name, double& into) { into = number_in(value, name, into); };
  span("approval_ms", costs.approval);
  span("roll_back_ms", costs.roll_back);
  number("roll_back_fails", costs.roll_back_fails);
  span("flag_off_ms", costs.flag_off);
  number("flag_works", costs.flag_works);
  number("hotfix_overrun", costs.hotfix_overrun);
  number("hotfix_works", costs.hotfix_works);
  span("hotfix_if_failed_ms", costs.hotfix_if_failed);
  number("lost_rows_weigh", costs.lost_rows_weigh);
  number("growth", costs.growth);
  span("horizon_ms", costs.horizon);
  if (const std::string source = get_string(value, "source"); !source.empty()) costs.source = source;
  return costs;
}

}  // namespace

Json to_json(const Recorded& recorded) {
  const AssessInput& seen = recorded.seen;
  Json value = {{"site", recorded.site},
                {"now_ms", to_millis(seen.now)},
                {"way_back", json_of(seen.way_back)},
                {"evidence", Json::array()},
                {"occurrences", Json::array()},
                {"figures", Json::object()},
                {"failing_checks", seen.failing_checks},
                {"service_failed_to_start", seen.service_failed_to_start},
                {"migrations_failed", seen.migrations_failed},
                {"canary", seen.canary},
                {"other_deploys", Json::array()},
                {"elevated_before", seen.elevated_before},
                {"answers", Json::array()},
                {"costs", json_of(recorded.costs)}};
  put(value, "unhealthy_since_ms", seen.unhealthy_since);
  for (const Evidence& each : seen.evidence) value["evidence"].push_back(to_json(each));
  for (const Occurrence& each : seen.occurrences) value["occurrences"].push_back(to_json(each));
  for (const auto& [signal, figures] : seen.figures) value["figures"][signal] = figures;
  for (const OtherDeploy& each : seen.other_deploys)
    value["other_deploys"].push_back(
        {{"what", each.what}, {"at_ms", to_millis(each.at)}, {"dependency", each.dependency}});
  for (const Answer& each : seen.answers)
    value["answers"].push_back(
        {{"fact", each.fact}, {"value", each.value}, {"by", each.by}, {"at_ms", to_millis(each.at)}});
  return value;
}

Result<Recorded> recorded_from_json(const Json& value) {
  Recorded recorded;
  recorded.site = get_string(value, "site");
  recorded.costs = costs_from(get(value, "costs"));
  AssessInput& seen = recorded.seen;
  seen.now = time_in(value, "now_ms");
  seen.way_back = way_back_from(get(value, "way_back"));
  for (const Json& each : get(value, "evidence")) seen.evidence.push_back(TRY(evidence_from_json(each)));
  for (const Json& each : get(value, "occurrences")) seen.occurrences.push_back(TRY(occurrence_from_json(each)));
  for (const auto& [signal, figures] : get(value, "figures").items()) seen.figures[signal] = figures;
  for (const Json& each : get(value, "failing_checks"))
    if (each.is_string()) seen.failing_checks.push_back(each.get<std::string>());
  seen.unhealthy_since = time_in(value, "unhealthy_since_ms");
  seen.service_failed_to_start = get_bool(value, "service_failed_to_start");
  seen.migrations_failed = get_bool(value, "migrations_failed");
  seen.canary = get_bool(value, "canary");
  for (const Json& each : get(value, "other_deploys"))
    seen.other_deploys.push_back(
        {get_string(each, "what"), time_in(each, "at_ms"), get_bool(each, "dependency", true)});
  seen.elevated_before = get_bool(value, "elevated_before");
  for (const Json& each : get(value, "answers"))
    seen.answers.push_back(
        {get_string(each, "fact"), get_string(each, "value"), get_string(each, "by"), time_in(each, "at_ms")});
  return recorded;
}

Judged decide(const Recorded& recorded, const Policies& policies) {
  const AssessInput& seen = recorded.seen;
  Assessed assessed = assess(seen, policies);
  EvaluateInput input;
  input.site = recorded.site;
  input.from = seen.way_back.from;
  input.to = seen.way_back.to;
  input.now = seen.now;
  input.deployed_at = seen.way_back.deployed_at;
  input.facts = std::move(assessed.facts);
  input.attribution = std::move(assessed.attribution);
  input.evidence = seen.evidence;
  input.policies = policies;
  input.costs = recorded.costs;
  return {evaluate(input), std::move(assessed.refused)};
}

}  // namespace backout::decide
