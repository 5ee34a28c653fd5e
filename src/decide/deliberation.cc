#include "decide/deliberation.h"

#include <algorithm>

#include "decide/assess.h"

namespace backout::decide {
namespace {

const double kSev1 = level_of(FactId::kSeverity, "sev1"), kSev2 = level_of(FactId::kSeverity, "sev2"),
             kSev3 = level_of(FactId::kSeverity, "sev3");
const double kAdditive = level_of(FactId::kMigration, "additive"), kBreaking = level_of(FactId::kMigration, "breaking"),
             kDestructive = level_of(FactId::kMigration, "destructive");
constexpr double kHuge = 1e9;
constexpr double kHotfixInSight = 60 * 60'000;  // a veto turns going back into waiting for it
constexpr Millis kSev2Patience{5 * 60'000}, kOtherPatience{30 * 60'000};

bool goes_back(Verdict verdict) { return verdict == Verdict::kRollBack || verdict == Verdict::kNeedsApproval; }

/// How severe what a rule names is by itself, at its worst; nothing: it names no trouble, or the severity itself.
std::optional<double> trouble_named_by(const Rule& rule, const Policies& policies) {
  Facts named;
  bool any = false, alarm = false;
  for (const Predicate& predicate : rule.when) {
    if (predicate.fact == FactId::kSeverity) return std::nullopt;
    const bool figure = predicate.fact == FactId::kLatency || predicate.fact == FactId::kErrorRate;
    if (predicate.ranges.empty() || !(figure || (kind_of(predicate.fact).symptom && predicate.holds(1.0)))) continue;
    named.set(predicate.fact, figure ? std::min(predicate.ranges.back().most, kHuge) : 1, "");
    any = true;
    alarm = alarm || predicate.fact == FactId::kErrorRate;
  }
  if (!any) return std::nullopt;
  return severity_of(named, alarm, policies).value_or(0);
}

enum class Beside { kNeither, kForWorse, kForMilder };

/// Whether a rule that does not hold would, were only the harm worse, or only milder.
Beside beside(const Rule& rule, const Facts& facts) {
  bool worse = true, milder = true, any = false;
  for (const Predicate& predicate : rule.when) {
    const Predicate::Holds holds = predicate.holds(facts);
    if (holds == Predicate::Holds::kYes) continue;
    const FactKind& kind = kind_of(predicate.fact);
    if (holds == Predicate::Holds::kOpen || kind.role != FactRole::kHarm || kind.symptom || predicate.ranges.empty())
      return Beside::kNeither;
    const double value = *facts.value(predicate.fact);
    any = true;
    worse = worse && value <= predicate.ranges.front().least;
    milder = milder && value >= predicate.ranges.back().most;
  }
  return !any ? Beside::kNeither : worse ? Beside::kForWorse : milder ? Beside::kForMilder : Beside::kNeither;
}

/// An unknown severity, where something is wrong, is taken for sev2: undecided is the safer band.
double severity_in(const Facts& facts) { return facts.value(FactId::kSeverity).value_or(kSev2); }

}  // namespace

int Judgement::approvals() const {
  int needed = 0;
  for (const Consent& consent : consents) needed += consent.need;
  return needed;
}

bool says_trouble(const Facts& facts) {
  if (facts.known(FactId::kSeverity) || facts.value(FactId::kData).value_or(0) > 0 ||
      facts.value(FactId::kUnhealthyFor).value_or(0) > 0)
    return true;
  const auto kinds = all_fact_kinds();
  return std::any_of(kinds.begin(), kinds.end(),
                     [&](const FactKind& kind) { return kind.symptom && facts.yes(kind.id); });
}

Deliberation::Deliberation(const EvaluateInput& input) : input_(input), rules_(input.policies.rules()) {
  for (const Rule* rule : rules_) {
    troubles_.push_back(trouble_named_by(*rule, input.policies));
    names_symptom_.push_back(std::any_of(rule->when.begin(), rule->when.end(),
                                         [](const Predicate& predicate) { return kind_of(predicate.fact).symptom; }));
  }
  for (const Evidence& each : input.evidence) {
    sees_ = sees_ || each.state != EvidenceState::kBlind;
    if (each.state != EvidenceState::kAlarm) continue;
    alarm_ = true;
    bad_per_second_ = std::max(bad_per_second_, each.bad_per_second);
  }
}

Judgement Deliberation::judge(const Facts& facts) const {
  Judgement judgement;
  judgement.vetoes = vetoes_of(facts, !input_.to.empty(), input_.attribution.posterior);
  gate(facts, judgement);
  if (!judgement.trouble && !judgement.blind_for_long) return judgement;
  if (judgement.trouble) {
    match(facts, judgement);
    weigh(facts, judgement);
  }
  if (goes_back(judgement.verdict)) turn(facts, judgement);
  authorise(facts, judgement);
  if (judgement.verdict == Verdict::kRollBack)  // nobody is waited for
    judgement.harms =
        harms_of({.bad_per_second = bad_per_second_, .can_go_back = true, .asked_first = false}, facts, input_.costs);
  return judgement;
}

void Deliberation::gate(const Facts& facts, Judgement& judgement) const {
  judgement.trouble = alarm_ || says_trouble(facts);
  if (judgement.trouble) return;
  judgement.blind = !sees_;
  const bool signals = !input_.evidence.empty(), dated = input_.deployed_at != WallTime();
  judgement.blind_for_long =
      judgement.blind && signals && dated && input_.now - input_.deployed_at > input_.blind_after;
  if (judgement.blind_for_long) judgement.verdict = Verdict::kNeedsApproval;
}

/// About a lesser trouble than the one at hand. `rule`: an element of rules_.
bool Deliberation::is_lesser(const Rule* const& rule, const Facts& facts) const {
  const std::optional<double>& named = troubles_[static_cast<size_t>(&rule - rules_.data())];
  // With an alarm on, something minor is not what it is about.
  return named && (*named < severity_in(facts) ||
                   (alarm_ && *named < kSev3 && names_symptom_[static_cast<size_t>(&rule - rules_.data())]));
}

void Deliberation::match(const Facts& facts, Judgement& judgement) const {
  for (const Rule* const& rule : rules_) {
    const bool holds = std::all_of(rule->when.begin(), rule->when.end(), [&](const Predicate& predicate) {
      return predicate.holds(facts) == Predicate::Holds::kYes;
    });
    if (!holds) continue;
    judgement.matched.push_back(rule);
    if (rule->never_roll_back) judgement.against.push_back(rule);
    if (!rule->action) continue;
    if (is_lesser(rule, facts)) continue;
    const Rule*& best = judgement.deciding;
    constexpr Millis kLate = Millis::max();
    const bool stronger =
        best == nullptr || *rule->action > *best->action ||
        (*rule->action == *best->action && rule->within.value_or(kLate) < best->within.value_or(kLate));
    if (stronger) best = rule;
  }
}

/// The cheapest sufficient remedy, unless it is an emergency or a rule of the team says otherwise.
void Deliberation::weigh(const Facts& facts, Judgement& judgement) const {
  const double severity = severity_in(facts);
  const bool blocked = blocking(judgement.vetoes) != 0 || !judgement.against.empty();
  const bool canary = facts.yes(FactId::kCanary);
  judgement.emergency =
      severity >= kSev1 && facts.value(FactId::kMigration).value_or(kBreaking) <= kAdditive && !blocked;
  judgement.harms =
      harms_of({.bad_per_second = bad_per_second_, .can_go_back = !blocked, .asked_first = severity < kSev1 && !canary},
               facts, input_.costs);
  const Harms& harms = judgement.harms;
  if (harms.best) {
    static constexpr Verdict kOf[] = {Verdict::kFlagOff, Verdict::kRollBack, Verdict::kFixForward};
    judgement.cheapest = harms.close ? Verdict::kNeedsApproval : kOf[static_cast<size_t>(*harms.best)];
  } else if (harms[Remedy::kFlagOff].there) {
    judgement.cheapest = Verdict::kFlagOff;
  } else if (severity >= kSev2) {
    judgement.cheapest = Verdict::kRollBack;
  } else if (severity >= kSev3 || alarm_) {
    judgement.cheapest = Verdict::kNeedsApproval;
  } else {
    judgement.cheapest = Verdict::kFixForward;
  }

  if (judgement.emergency) {
    judgement.verdict = Verdict::kRollBack;
    judgement.decisive = Stage::kEmergency;
    if (judgement.deciding != nullptr && *judgement.deciding->action != Verdict::kRollBack)
      judgement.deciding = nullptr;  // a rule cannot make it less than an emergency
  } else if (judgement.deciding != nullptr) {
    judgement.verdict = *judgement.deciding->action;
    judgement.decisive = Stage::kRules;
  } else {
    settle_gap(facts, judgement);
  }
}

/// No rule decides: the cheapest remedy, within what rules say of worse and of milder cases, and no less than what a
/// rule says of a lesser trouble that is there as well.
void Deliberation::settle_gap(const Facts& facts, Judgement& judgement) const {
  judgement.verdict = judgement.cheapest;
  judgement.decisive = Stage::kCheapest;
  const Rule *ceiling = nullptr, *floor = nullptr;
  for (const Rule* const& rule : rules_) {
    if (!rule->action) continue;
    const Beside where = beside(*rule, facts);
    if (where == Beside::kForWorse && !is_lesser(rule, facts) &&
        (ceiling == nullptr || *rule->action < *ceiling->action))
      ceiling = rule;
    if (where == Beside::kForMilder && (floor == nullptr || *rule->action > *floor->action)) floor = rule;
  }
  const auto bound_by = [&](const Rule* rule, bool at_most) {
    judgement.verdict = *rule->action;
    judgement.bound = rule;
    judgement.at_most = at_most;
  };
  if (ceiling != nullptr && judgement.verdict > *ceiling->action) bound_by(ceiling, true);
  if (floor != nullptr && judgement.verdict < *floor->action) bound_by(floor, false);
  for (const Rule* rule : judgement.matched)
    if (rule->action && judgement.verdict < *rule->action) bound_by(rule, false);
}

void Deliberation::turn(const Facts& facts, Judgement& judgement) const {
  const VetoSet blocked = blocking(judgement.vetoes);
  if (blocked == 0 && judgement.against.empty()) return;
  const bool was_to_go_back = judgement.verdict == Verdict::kRollBack;
  const bool told_external = (blocked & bit(VetoId::kExternal)) != 0;
  const bool elsewhere = (blocked & bit(VetoId::kNotTheRelease)) != 0;
  if (told_external || (blocked & bit(VetoId::kRollbackRunning)) != 0)
    judgement.verdict = Verdict::kMonitor;
  else if (elsewhere)
    judgement.verdict = severity_in(facts) >= kSev2 ? Verdict::kNeedsApproval : Verdict::kMonitor;
  else if (facts.value(FactId::kHotfix).value_or(kNever) <= kHotfixInSight)
    judgement.verdict = Verdict::kFixForward;
  else
    judgement.verdict = Verdict::kNeedsApproval;
  judgement.turned = was_to_go_back || judgement.verdict != Verdict::kNeedsApproval;
  if (judgement.turned) judgement.decisive = Stage::kVetoes;
}

void Deliberation::authorise(const Facts& facts, Judgement& judgement) const {
  const double severity = severity_in(facts), migration = facts.value(FactId::kMigration).value_or(kBreaking);
  bool named = false, said = false;
  for (const Rule* rule : judgement.matched) {
    if (rule->within && (!judgement.within || *rule->within < *judgement.within)) judgement.within = rule->within;
    if (rule->on_timeout && *rule->on_timeout == OnTimeout::kRollBack) judgement.on_timeout = OnTimeout::kRollBack;
    const bool about_going_back = !rule->action || goes_back(*rule->action);
    if (!rule->by || !about_going_back) continue;
    said = true;
    if (rule->by->empty() || !goes_back(judgement.verdict)) continue;
    named = true;
    judgement.consents.push_back({.rule = rule,
                                  .ladder = Consent::Default::kNone,
                                  .need = rule->need > 0 ? rule->need : static_cast<int>(rule->by->size())});
  }
  if (!goes_back(judgement.verdict)) return;
  const auto add = [&](Consent::Default ladder, int need) {
    judgement.consents.push_back({.rule = nullptr, .ladder = ladder, .need = need});
  };
  const bool schema_stays = facts.yes(FactId::kSchemaFits);
  if (!named && migration >= kBreaking && !schema_stays && judgement.trouble)
    add(migration >= kDestructive ? Consent::Default::kDestructive : Consent::Default::kBreaking, 2);
  const bool by_team = said || (judgement.deciding != nullptr && judgement.verdict == Verdict::kRollBack);
  const bool free = judgement.emergency || facts.yes(FactId::kCanary) || severity >= kSev1;
  if (judgement.consents.empty() && (judgement.verdict == Verdict::kNeedsApproval || (!by_team && !free)))
    add(severity >= kSev2 || !judgement.trouble ? Consent::Default::kOnCall : Consent::Default::kLead, 1);
  if (!judgement.within) {
    const bool now = judgement.verdict == Verdict::kRollBack && judgement.consents.empty();
    judgement.within = now ? Millis(0) : severity >= kSev2 ? kSev2Patience : kOtherPatience;
    if (severity == kSev2 && judgement.trouble && !judgement.turned) judgement.on_timeout = OnTimeout::kRollBack;
  }
  if (judgement.vetoes != 0 || !judgement.against.empty()) judgement.on_timeout = OnTimeout::kEscalate;
  if (!judgement.consents.empty()) {
    if (judgement.verdict == Verdict::kRollBack && !judgement.turned && judgement.decisive != Stage::kRules)
      judgement.decisive = Stage::kAuthority;
    judgement.verdict = Verdict::kNeedsApproval;
  }
}

}  // namespace backout::decide
