#include "model/verdict.h"

#include <algorithm>

#include "model/names.h"

namespace backout {
namespace {

constexpr NameTable<Verdict, 5> kVerdicts{{{Verdict::kMonitor, "monitor"},
                                           {Verdict::kFixForward, "fix-forward"},
                                           {Verdict::kFlagOff, "flag-off"},
                                           {Verdict::kNeedsApproval, "needs-approval"},
                                           {Verdict::kRollBack, "roll-back"}}};
constexpr NameTable<Verdict, 5> kVerdictWords{{{Verdict::kMonitor, "monitor"},
                                               {Verdict::kFixForward, "fix forward"},
                                               {Verdict::kFlagOff, "flag off"},
                                               {Verdict::kNeedsApproval, "needs approval"},
                                               {Verdict::kRollBack, "roll back"}}};
constexpr NameTable<OnTimeout, 3> kOnTimeouts{
    {{OnTimeout::kEscalate, "escalate"}, {OnTimeout::kRollBack, "roll-back"}, {OnTimeout::kRefuse, "refuse"}}};

template <class T>
void put_number(Json& object, const char* name, const std::optional<T>& value) {
  object[name] = nullptr;
  if (value) object[name] = *value;
}

Json json_of(const MatchedRule& rule) {
  Json value = {{"id", rule.id},       {"policy", rule.policy}, {"where", rule.where},
                {"cites", rule.cites}, {"says", rule.says},     {"decided", rule.decided}};
  if (rule.action) value["do"] = name_of(*rule.action);
  return value;
}

Json json_of(const Alternative& each) {
  Json value = {{"remedy", each.remedy}, {"why", each.why}, {"chosen", each.chosen}};
  put_number(value, "failed_requests", each.failed_requests);
  value["time_ms"] = nullptr;
  if (each.time) value["time_ms"] = each.time->count();
  return value;
}

Json json_of(const Counterfactual& each) {
  return {{"fact", kind_of(each.fact).name},
          {"value", fact_value_text(each.fact, each.value)},
          {"verdict", name_of(each.verdict)},
          {"approvals", each.approvals},
          {"text", each.text}};
}

}  // namespace

std::string_view name_of(Verdict verdict) { return name_in(kVerdicts, verdict); }
std::string_view words_of(Verdict verdict) { return name_in(kVerdictWords, verdict); }
Result<Verdict> verdict_of(std::string_view name) { return value_in(kVerdicts, name, "verdict"); }
std::string_view name_of(OnTimeout choice) { return name_in(kOnTimeouts, choice); }
Result<OnTimeout> on_timeout_of(std::string_view name) { return value_in(kOnTimeouts, name, "choice for on_timeout"); }

int Decision::people_needed() const {
  int most = 0, together = 0;
  for (const ApprovalGroup& group : approvals) {
    together += group.need;
    most = std::max(most, group.need);
  }
  // One person may be in several groups only when both name the role: the union of the roles is the least.
  std::vector<std::string> roles;
  for (const ApprovalGroup& group : approvals)
    if (group.need == static_cast<int>(group.of.size())) roles.insert(roles.end(), group.of.begin(), group.of.end());
  std::sort(roles.begin(), roles.end());
  roles.erase(std::unique(roles.begin(), roles.end()), roles.end());
  return std::min(together, std::max(most, static_cast<int>(roles.size())));
}

Json to_json(const Decision& decision) {
  Json value = {{"site", decision.site},
                {"from", decision.from},
                {"to", decision.to},
                {"at_ms", to_millis(decision.at)},
                {"verdict", name_of(decision.verdict)},
                {"remedy", decision.remedy},
                {"reason", decision.reason},
                {"blind", decision.blind},
                {"emergency", decision.emergency},
                {"confidence_db", decision.confidence_db},
                {"needed_db", decision.needed_db},
                {"posterior", decision.posterior},
                {"cause", decision.cause},
                {"suspect", decision.suspect},
                {"facts", to_json(decision.facts)},
                {"people_needed", decision.people_needed()},
                {"on_timeout", name_of(decision.on_timeout)},
                {"tell", decision.tell},
                {"automatic", {{"allowed", decision.automatic}, {"why", decision.automatic_why}}},
                {"questions", decision.questions},
                {"inputs_hash", decision.inputs_hash}};
  for (const char* name :
       {"evidence", "matched_rules", "rules_tried", "vetoes", "alternatives", "counterfactuals", "approvals", "steps"})
    value[name] = Json::array();
  for (const Evidence& each : decision.evidence) value["evidence"].push_back(to_json(each));
  for (const MatchedRule& each : decision.matched) value["matched_rules"].push_back(json_of(each));
  for (const RuleTried& each : decision.tried)
    value["rules_tried"].push_back({{"id", each.id}, {"where", each.where}, {"why", each.why}, {"open", each.open}});
  for (const Veto& each : decision.vetoes)
    value["vetoes"].push_back({{"id", each.id}, {"what", each.what}, {"blocks", each.blocks}, {"where", each.where}});
  for (const Alternative& each : decision.alternatives) value["alternatives"].push_back(json_of(each));
  for (const Counterfactual& each : decision.counterfactuals) value["counterfactuals"].push_back(json_of(each));
  for (const ApprovalGroup& each : decision.approvals)
    value["approvals"].push_back({{"of", each.of}, {"need", each.need}, {"why", each.why}});
  for (const TraceStep& each : decision.trace)
    value["steps"].push_back({{"step", each.step}, {"text", each.text}, {"decisive", each.decisive}});
  value["within_ms"] = nullptr;
  value["deadline_ms"] = nullptr;
  if (decision.within) {
    value["within_ms"] = decision.within->count();
    value["deadline_ms"] = to_millis(decision.deadline);
  }
  return value;
}

}  // namespace backout
