#include "decide/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "base/hash.h"
#include "base/text.h"
#include "decide/deliberation.h"
#include "decide/what_if.h"
#include "decide/wording.h"

namespace backout::decide {
namespace {

constexpr size_t kMostQuestions = 8;

Json json_of(const Costs& costs) {
  return {{"approval_ms", costs.approval.count()},    {"roll_back_ms", costs.roll_back.count()},
          {"roll_back_fails", costs.roll_back_fails}, {"flag_off_ms", costs.flag_off.count()},
          {"flag_works", costs.flag_works},           {"hotfix_overrun", costs.hotfix_overrun},
          {"hotfix_works", costs.hotfix_works},       {"hotfix_if_failed_ms", costs.hotfix_if_failed.count()},
          {"lost_rows_weigh", costs.lost_rows_weigh}, {"growth", costs.growth},
          {"horizon_ms", costs.horizon.count()},      {"source", costs.source}};
}

std::vector<Evidence> in_order(std::vector<Evidence> evidence) {
  std::sort(evidence.begin(), evidence.end(), [](const Evidence& a, const Evidence& b) {
    const auto key = [](const Evidence& e) {
      return std::tie(e.signal, e.measure, e.state, e.votes, e.bad, e.decibels, e.bad_per_second, e.why);
    };
    return key(a) < key(b);
  });
  return evidence;
}

std::vector<Alternative> alternatives_of(const EvaluateInput& input, const Judgement& judgement) {
  struct Row {
    Remedy remedy;
    const char* name;
    Verdict verdict;
    std::string missing;
  };
  const std::string blocked = "a veto stands against it";
  const Row rows[] = {{Remedy::kRollBack, "roll back", Verdict::kRollBack, blocked},
                      {Remedy::kFlagOff, "flag off", Verdict::kFlagOff, "no flag is known to switch it off"},
                      {Remedy::kFixForward, "fix forward", Verdict::kFixForward, "no hotfix is in sight"},
                      {Remedy::kMonitor, "monitor", Verdict::kMonitor, ""}};
  std::vector<Alternative> all;
  for (const Row& row : rows) {
    const Harm& harm = judgement.harms[row.remedy];
    Alternative one{.remedy = row.name};
    one.chosen = judgement.verdict == row.verdict ||
                 (row.remedy == Remedy::kRollBack && judgement.verdict == Verdict::kNeedsApproval);
    if (!harm.there) {
      one.why = row.missing;
    } else {
      one.time = Millis(static_cast<int64_t>(harm.millis));
      one.failed_requests = harm.failed;
      if (row.remedy == Remedy::kRollBack) one.why = input.costs.source;
      if (row.remedy == Remedy::kFixForward)
        one.why = fmt::format("told {}, which takes {} times as long and works {:.0f} times in 100",
                              fact_value_text(FactId::kHotfix, input.facts.value(FactId::kHotfix)),
                              input.costs.hotfix_overrun, 100 * input.costs.hotfix_works);
      if (row.remedy == Remedy::kMonitor) one.why = "over " + span_text(input.costs.horizon);
    }
    all.push_back(std::move(one));
  }
  return all;
}

void fill_people(const EvaluateInput& input, const Judgement& judgement, Decision& decision) {
  for (const Consent& consent : judgement.consents) {
    const ApprovalGroup group = group_of(consent);
    const bool again = std::any_of(decision.approvals.begin(), decision.approvals.end(), [&](const ApprovalGroup& one) {
      return one.of == group.of && one.need >= group.need;
    });
    if (!again) decision.approvals.push_back(group);
  }
  std::set<std::string> tell;
  for (const Rule* rule : judgement.matched) tell.insert(rule->tell.begin(), rule->tell.end());
  decision.tell.assign(tell.begin(), tell.end());
  if (decision.verdict != Verdict::kMonitor || judgement.trouble) decision.within = judgement.within;
  if (decision.within) decision.deadline = input.now + *decision.within;
  decision.on_timeout = judgement.on_timeout;
}

bool is_opted_in(const Policies& policies, std::string_view name) {
  return std::find(policies.automatic.begin(), policies.automatic.end(), name) != policies.automatic.end();
}

void fill_automatic(const EvaluateInput& input, const Judgement& judgement, Decision& decision) {
  if (decision.on_timeout == OnTimeout::kRollBack && !is_opted_in(input.policies, "timeout")) {
    decision.on_timeout = OnTimeout::kEscalate;
    decision.trace.push_back(
        {"authority", "at the deadline: escalate, because automatic does not name timeout", false});
  }
  const bool flag = decision.verdict == Verdict::kFlagOff;
  if (decision.verdict != Verdict::kRollBack && !flag) {
    decision.automatic_why = "nothing to do without a person";
    return;
  }
  const std::string_view name = flag ? "flag-off" : judgement.emergency ? "emergency" : "roll-back";
  const bool opted =
      is_opted_in(input.policies, name) || (judgement.emergency && is_opted_in(input.policies, "roll-back"));
  if (!opted) {
    decision.automatic_why = fmt::format("automatic does not name {}: ask", name);
  } else if (!flag && judgement.vetoes != 0) {
    decision.automatic_why = decision.vetoes.empty() ? "a veto" : decision.vetoes.front().what;
  } else {
    decision.automatic = true;
    decision.automatic_why = fmt::format("automatic names {}", name);
  }
}

/// What nobody knows and a rule asks for, those whose rule is open first; then the axes.
std::vector<std::string> questions_of(const EvaluateInput& input, const Deliberation& judge,
                                      const Judgement& judgement) {
  std::vector<FactId> wanted;
  const auto want = [&](FactId id) {
    if (!input.facts.known(id) && std::find(wanted.begin(), wanted.end(), id) == wanted.end()) wanted.push_back(id);
  };
  if (!judgement.trouble) return {};
  for (const Rule* rule : judge.rules()) {
    const bool excluded = std::any_of(rule->when.begin(), rule->when.end(), [&](const Predicate& predicate) {
      return predicate.holds(input.facts) == Predicate::Holds::kNo;
    });
    if (excluded) continue;
    for (const Predicate& predicate : rule->when) want(predicate.fact);
  }
  for (const FactId id :
       {FactId::kUsers, FactId::kData, FactId::kMigration, FactId::kHotfix, FactId::kFlag, FactId::kExternal})
    want(id);
  std::vector<std::string> names;
  for (const FactId id : wanted)
    if (names.size() < kMostQuestions) names.emplace_back(kind_of(id).name);
  return names;
}

}  // namespace

Decision evaluate(const EvaluateInput& given) {
  EvaluateInput input = given;
  input.evidence = in_order(std::move(input.evidence));
  const Deliberation judge(input);
  const Judgement judgement = judge.judge(input.facts);
  Decision decision{
      .site = one_line(input.site), .from = one_line(input.from), .to = one_line(input.to), .at = input.now};
  decision.verdict = judgement.verdict;
  decision.remedy = remedy_of(input, judgement);
  decision.reason = reason_of(input, judgement);
  decision.blind = judgement.blind;
  decision.emergency = judgement.emergency;
  for (const Evidence& each : input.evidence)
    if (each.state != EvidenceState::kBlind && (decision.needed_db == 0 || each.decibels > decision.confidence_db)) {
      decision.confidence_db = each.decibels;
      decision.needed_db = each.needed;
    }
  decision.posterior = input.attribution.posterior;
  decision.cause = input.attribution.steps;
  if (!input.attribution.suspect.empty())
    decision.suspect = fmt::format("{} ({:.0f} %)", input.attribution.suspect, 100 * input.attribution.suspect_share);
  for (const Rule* rule : judgement.matched)
    decision.matched.push_back({.id = rule->id,
                                .policy = rule->policy,
                                .where = rule->where(),
                                .cites = rule->cites,
                                .says = rule->says,
                                .action = rule->action,
                                .decided = rule == judgement.deciding});
  decision.vetoes = vetoes_in_words(input, judgement);
  decision.trace = trace_of(input, judge, judgement);
  decision.tried = tried_in_words(input, judge, judgement);
  if (judgement.trouble) decision.alternatives = alternatives_of(input, judgement);
  decision.counterfactuals = counterfactuals_of(input, judge, judgement);
  fill_people(input, judgement, decision);
  fill_automatic(input, judgement, decision);
  decision.questions = questions_of(input, judge, judgement);
  decision.inputs_hash = inputs_hash(input);
  decision.facts = std::move(input.facts);
  decision.evidence = std::move(input.evidence);
  return decision;
}

Outcome outcome_of(const EvaluateInput& input, const Facts& facts) {
  const Judgement judgement = Deliberation(input).judge(facts);
  return {judgement.verdict, judgement.approvals()};
}

std::string inputs_hash(const EvaluateInput& input) {
  Json evidence = Json::array();
  for (const Evidence& each : in_order(input.evidence)) evidence.push_back(to_json(each));
  const Attribution& attribution = input.attribution;
  return sha256_hex(canonical({{"site", input.site},
                               {"from", input.from},
                               {"to", input.to},
                               {"now_ms", to_millis(input.now)},
                               {"deployed_at_ms", to_millis(input.deployed_at)},
                               {"facts", to_json(input.facts)},
                               {"attribution",
                                {{"posterior", attribution.posterior},
                                 {"suspect", attribution.suspect},
                                 {"suspect_share", attribution.suspect_share},
                                 {"steps", attribution.steps}}},
                               {"evidence", std::move(evidence)},
                               {"policies", input.policies.digest},
                               {"costs", json_of(input.costs)},
                               {"blind_after_ms", input.blind_after.count()}}));
}

}  // namespace backout::decide
