#include "model/plan.h"

#include "base/hash.h"
#include "model/names.h"

namespace backout {
namespace {
constexpr NameTable<RunKind, 4> kKindNames{{{RunKind::kRollback, "rollback"},
                                            {RunKind::kForward, "forward"},
                                            {RunKind::kDeploy, "deploy"},
                                            {RunKind::kCheckpoint, "checkpoint"}}};
constexpr NameTable<OnFailedCheck, 3> kChoiceNames{
    {{OnFailedCheck::kAbort, "abort"}, {OnFailedCheck::kHold, "hold"}, {OnFailedCheck::kAsk, "ask"}}};
}  // namespace

std::string_view name_of(RunKind kind) { return name_in(kKindNames, kind); }
Result<RunKind> run_kind_of(std::string_view name) { return value_in(kKindNames, name, "kind of run"); }
std::string_view name_of(OnFailedCheck choice) { return name_in(kChoiceNames, choice); }
Result<OnFailedCheck> on_failed_check_of(std::string_view name) {
  return value_in(kChoiceNames, name, "on_failed_check");
}

Json to_json(const Contract& contract) {
  Json steps = Json::array();
  for (const Step& step : contract.steps) steps.push_back(to_json(step));
  return {{"kind", name_of(contract.kind)},
          {"site", contract.site.str()},
          {"from", contract.from.str()},
          {"to", contract.to.str()},
          {"checkpoint", contract.checkpoint.str()},
          {"database_rung", contract.database_rung},
          {"database_why", contract.database_why},
          {"preconditions", contract.preconditions},
          {"on_failed_check", name_of(contract.on_failed_check)},
          {"steps", std::move(steps)},
          {"refusals", contract.refusals}};
}

Result<Contract> contract_from_json(const Json& value) {
  Contract contract;
  contract.kind = TRY(run_kind_of(get_string(value, "kind")));
  contract.site = SiteId(get_string(value, "site"));
  contract.from = Version(get_string(value, "from"));
  contract.to = Version(get_string(value, "to"));
  contract.checkpoint = CheckpointId(get_string(value, "checkpoint"));
  contract.database_rung = get_string(value, "database_rung");
  contract.database_why = get_string(value, "database_why");
  contract.preconditions = get(value, "preconditions");
  contract.on_failed_check = TRY(on_failed_check_of(get_string(value, "on_failed_check")));
  for (const Json& step : get(value, "steps")) contract.steps.push_back(TRY(step_from_json(step)));
  for (const Json& refusal : get(value, "refusals"))
    if (refusal.is_string()) contract.refusals.push_back(refusal.get<std::string>());
  return contract;
}

Json to_json(const Plan& plan) {
  Json per_step = Json::object();
  for (const auto& [step, span] : plan.forecast.per_step) per_step[step] = span.count();
  Json forecast = {{"total_ms", plan.forecast.total.count()},
                   {"outage_ms", plan.forecast.outage.count()},
                   {"per_step_ms", std::move(per_step)},
                   {"source", plan.forecast.source},
                   {"rows", plan.forecast.rows},
                   {"not_carried", plan.forecast.not_carried}};
  if (!plan.forecast.counted.empty()) forecast["counted"] = plan.forecast.counted;
  if (!plan.forecast.not_counted.empty()) forecast["not_counted"] = plan.forecast.not_counted;
  if (!plan.forecast.put_aside.empty()) forecast["put_aside"] = plan.forecast.put_aside;
  if (!plan.forecast.downs.empty()) forecast["downs"] = plan.forecast.downs;
  if (plan.forecast.ci) forecast["ci"] = to_json(*plan.forecast.ci);
  if (!plan.forecast.next_time.empty()) forecast["next_time"] = to_json(plan.forecast.next_time);
  return {{"plan", plan.id.str()},
          {"made_at_ms", to_millis(plan.made_at)},
          {"made_by", plan.made_by},
          {"contract", to_json(plan.contract)},
          {"forecast", std::move(forecast)}};
}

Result<Plan> plan_from_json(const Json& value) {
  Plan plan;
  plan.id = PlanId(get_string(value, "plan"));
  plan.made_at = wall_from_millis(get_int(value, "made_at_ms"));
  plan.made_by = get_string(value, "made_by");
  plan.contract = TRY(contract_from_json(get(value, "contract")));
  if (id_of(plan.contract) != plan.id)
    return Error{Code::kCorrupt, "plan " + plan.id.str() + " does not match its own hash",
                 "make a new one: backout plan"};
  const Json& forecast = get(value, "forecast");
  plan.forecast.total = Millis(get_int(forecast, "total_ms"));
  plan.forecast.outage = Millis(get_int(forecast, "outage_ms"));
  for (const auto& [step, span] : get(forecast, "per_step_ms").items())
    if (span.is_number()) plan.forecast.per_step[step] = Millis(span.get<int64_t>());
  plan.forecast.source = get_string(forecast, "source");
  plan.forecast.rows = get(forecast, "rows");
  if (get(forecast, "counted").is_object()) plan.forecast.counted = get(forecast, "counted");
  plan.forecast.not_counted = get_string(forecast, "not_counted");
  if (const Json& ci = get(forecast, "ci"); ci.is_object()) plan.forecast.ci = ci_result_from_json(ci);
  plan.forecast.next_time = conditions_from_json(get(forecast, "next_time"));
  for (const Json& sentence : get(forecast, "put_aside"))
    if (sentence.is_string()) plan.forecast.put_aside.push_back(sentence.get<std::string>());
  for (const Json& line : get(forecast, "downs"))
    if (line.is_string()) plan.forecast.downs.push_back(line.get<std::string>());
  for (const Json& sentence : get(forecast, "not_carried"))
    if (sentence.is_string()) plan.forecast.not_carried.push_back(sentence.get<std::string>());
  return plan;
}

PlanId id_of(const Contract& contract) { return PlanId(sha256_hex(canonical(to_json(contract))).substr(0, 8)); }

}  // namespace backout
