#include "decide/wording.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace backout::decide {
namespace {

/// What counts votes goes before what only happened.
std::pair<bool, double> weight(const Evidence& each) { return {each.needed > 0, each.decibels}; }

const Evidence* strongest(const EvaluateInput& input, EvidenceState state) {
  const Evidence* best = nullptr;
  for (const Evidence& each : input.evidence)
    if (each.state == state && (best == nullptr || weight(each) > weight(*best))) best = &each;
  return best;
}

std::string quiet_text(const EvaluateInput& input) {
  const Evidence* quiet = strongest(input, EvidenceState::kQuiet);
  if (quiet == nullptr)
    return strongest(input, EvidenceState::kBlind) == nullptr ? "every signal is clear"
                                                              : "the signals that see anything are clear";
  if (quiet->needed <= 0) return fmt::format("no alarm: {} is quiet", one_line(quiet->signal));
  std::string text = fmt::format("no alarm: {:.0f} of {:.1f} dB", std::max(quiet->decibels, 0.0), quiet->needed);
  if (quiet->more_votes > 0)
    text += fmt::format(", about {} votes ({}) more at today's rate", grouped(static_cast<double>(quiet->more_votes)),
                        for_people(quiet->more_time));
  return text;
}

std::string blind_text(const EvaluateInput& input) {
  if (input.evidence.empty()) return "BLIND: no signal is looked at, so nothing is known of the release";
  std::vector<std::string> why;
  for (const Evidence& each : input.evidence)
    if (!each.why.empty())
      why.push_back(fmt::format("{}: {}", one_line(each.signal), shortened(one_line(each.why), 100)));
  why.erase(std::unique(why.begin(), why.end()), why.end());
  return "BLIND: no signal sees anything" + (why.empty() ? "" : " (" + join(why, "; ") + ")");
}

std::string severity_text(const EvaluateInput& input) {
  const Fact& severity = input.facts[FactId::kSeverity];
  if (!severity.value) return "unknown severity, taken for sev2";
  const std::string level = fact_value_text(FactId::kSeverity, severity.value);
  return severity.detail.empty() ? level : fmt::format("{} ({})", level, severity.detail);
}

std::string harm_text(const char* name, const Harm& harm) {
  if (!harm.there) return fmt::format("{}: not there", name);
  const std::string span = span_text(Millis(static_cast<int64_t>(harm.millis)));
  if (!harm.failed) return fmt::format("{}: {}", name, span);
  return fmt::format("{}: {}, about {} failed requests", name, span, grouped(*harm.failed));
}

std::string first_veto(const EvaluateInput& input, const Judgement& judgement) {
  for (const Veto& veto : vetoes_in_words(input, judgement))
    if (veto.blocks) return veto.what;
  return "";
}

std::string consents_text(const Judgement& judgement) {
  if (judgement.consents.empty()) return "nobody has to approve";
  std::vector<std::string> parts;
  for (const Consent& consent : judgement.consents) {
    const ApprovalGroup group = group_of(consent);
    const bool all = group.need == static_cast<int>(group.of.size());
    parts.push_back(fmt::format("{}{}, by {}", all ? "" : fmt::format("{} of ", group.need),
                                join(group.of, all ? " and " : ", "), group.why));
  }
  return "approval: " + join(parts, "; ");
}

}  // namespace

std::string grouped(double whole) {
  std::string digits = fmt::format("{:.0f}", std::round(std::max(whole, 0.0)));
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) digits.insert(static_cast<size_t>(at), ",");
  return digits;
}

std::string span_text(Millis span) { return fact_value_text(FactId::kTroubleFor, static_cast<double>(span.count())); }

std::string place_of(const Rule& rule) {
  return rule.cites.empty() ? rule.where() : fmt::format("{} ({})", rule.where(), rule.cites);
}

std::string remedy_of(const EvaluateInput& input, const Judgement& judgement) {
  const std::string to = input.to.empty() ? "the release before" : one_line(input.to);
  switch (judgement.verdict) {
    case Verdict::kRollBack:
    case Verdict::kNeedsApproval:
      return input.facts.yes(FactId::kCanary) ? fmt::format("all traffic to {}", to) : fmt::format("go back to {}", to);
    case Verdict::kFlagOff: return "turn off the flag";
    case Verdict::kFixForward:
      return "a hotfix on top of " + (input.from.empty() ? "the release" : one_line(input.from));
    case Verdict::kMonitor: return "watch on";
  }
  return "";
}

std::string reason_of(const EvaluateInput& input, const Judgement& judgement) {
  switch (judgement.decisive) {
    case Stage::kEvidence:
      if (judgement.blind_for_long)
        return fmt::format("{}, {} after the deploy: people must look", blind_text(input),
                           for_people(input.now - input.deployed_at));
      return judgement.blind ? blind_text(input) : quiet_text(input);
    case Stage::kVetoes: return first_veto(input, judgement);
    case Stage::kEmergency: return "emergency: " + severity_text(input);
    case Stage::kCheapest:
    case Stage::kAuthority: {
      if (judgement.emergency) return "emergency: " + severity_text(input);
      if (judgement.bound != nullptr)
        return fmt::format("no rule speaks of it, but {} says {} of what is {}", place_of(*judgement.bound),
                           words_of(*judgement.bound->action), judgement.at_most ? "worse" : "milder");
      if (judgement.harms.close) return "too close to call: the two cheapest remedies cost about the same";
      if (judgement.harms.best) return "the cheapest remedy that mends it; no rule speaks of it";
      return fmt::format("{}, and no rule speaks of it", severity_text(input));
    }
    case Stage::kRules: {
      const Rule& rule = *judgement.deciding;
      return fmt::format("rule {}{}", place_of(rule), rule.says.empty() ? "" : ": " + rule.says);
    }
  }
  return "";
}

std::vector<Veto> vetoes_in_words(const EvaluateInput& input, const Judgement& judgement) {
  std::vector<Veto> vetoes;
  for (int index = 0; index < kVetoCount; ++index) {
    const VetoKind& kind = kind_of(static_cast<VetoId>(index));
    if ((judgement.vetoes & bit(kind.id)) == 0) continue;
    std::string what(kind.what);
    if (kind.id == VetoId::kNotTheRelease)
      what += fmt::format(" ({:.0f} %{})", 100 * input.attribution.posterior,
                          input.attribution.suspect.empty() ? "" : "; suspect: " + input.attribution.suspect);
    if (kind.id == VetoId::kDestructive && !input.facts.known(FactId::kMigration)) continue;
    vetoes.push_back({.id = std::string(kind.name), .what = std::move(what), .blocks = kind.blocks, .where = ""});
  }
  for (const Rule* rule : judgement.against)
    vetoes.push_back({.id = "rule",
                      .what = fmt::format("rule {} forbids going back{}", place_of(*rule),
                                          rule->says.empty() ? "" : ": " + rule->says),
                      .blocks = true,
                      .where = rule->where()});
  std::stable_sort(vetoes.begin(), vetoes.end(), [](const Veto& a, const Veto& b) { return a.blocks > b.blocks; });
  return vetoes;
}

std::vector<RuleTried> tried_in_words(const EvaluateInput& input, const Deliberation& judge,
                                      const Judgement& judgement) {
  std::vector<RuleTried> tried;
  for (const Rule* rule : judge.rules()) {
    if (std::find(judgement.matched.begin(), judgement.matched.end(), rule) != judgement.matched.end()) continue;
    RuleTried one{.id = rule->id, .where = rule->where(), .why = "", .open = true};
    std::vector<std::string> why;
    for (const Predicate& predicate : rule->when) {
      const Predicate::Holds holds = predicate.holds(input.facts);
      if (holds == Predicate::Holds::kYes) continue;
      if (holds == Predicate::Holds::kNo) one.open = false;
      const FactKind& kind = kind_of(predicate.fact);
      const bool known = input.facts.known(predicate.fact);
      why.push_back(fmt::format(
          "{} is {}{}, asked for: {}", kind.name, fact_value_text(predicate.fact, input.facts[predicate.fact].value),
          known || !kind.taken ? "" : fmt::format(" (counts as {})", kind.unknown), predicate.text));
    }
    one.why = judgement.trouble ? join(why, "; ") : "nothing is wrong, as far as anybody knows";
    one.open = one.open && judgement.trouble;
    tried.push_back(std::move(one));
  }
  return tried;
}

ApprovalGroup group_of(const Consent& consent) {
  if (consent.rule != nullptr) {
    std::vector<std::string> roles = *consent.rule->by;
    std::sort(roles.begin(), roles.end());
    return {std::move(roles), consent.need, place_of(*consent.rule)};
  }
  switch (consent.ladder) {
    case Consent::Default::kNone: break;
    case Consent::Default::kOnCall: return {{"on-call"}, consent.need, "default"};
    case Consent::Default::kLead: return {{"lead"}, consent.need, "default"};
    case Consent::Default::kBreaking: return {{"lead", "on-call"}, consent.need, "default: the migration is breaking"};
    case Consent::Default::kDestructive:
      return {{"dba", "lead"}, consent.need, "default: the migration is destructive"};
  }
  return {};
}

std::vector<TraceStep> trace_of(const EvaluateInput& input, const Deliberation& judge, const Judgement& judgement) {
  std::vector<TraceStep> steps;
  const auto add = [&](Stage stage, const char* name, std::string text) {
    steps.push_back({name, std::move(text), judgement.decisive == stage});
  };
  const Evidence* alarm = strongest(input, EvidenceState::kAlarm);
  add(Stage::kEvidence, "evidence",
      alarm != nullptr
          ? fmt::format("alarm: {} {}{}", one_line(alarm->signal), alarm->measure,
                        alarm->needed > 0 ? fmt::format(", {:.0f} of {:.1f} dB", alarm->decibels, alarm->needed) : "")
      : judgement.trouble ? "no alarm, but what is known says that something is wrong: " + severity_text(input)
      : judgement.blind   ? blind_text(input)
                          : quiet_text(input));
  if (!judgement.trouble && !judgement.blind_for_long) return steps;
  std::vector<std::string> vetoes;
  for (const Veto& veto : vetoes_in_words(input, judgement))
    vetoes.push_back(veto.what + (veto.blocks ? "" : " (so not without a person)"));
  add(Stage::kVetoes, "vetoes", vetoes.empty() ? "none" : join(vetoes, "; "));
  if (judgement.trouble) {
    add(Stage::kEmergency, "emergency",
        judgement.emergency ? severity_text(input) + ", migration at most additive, no veto: go back now"
                            : "none: " + severity_text(input) + ", migration " +
                                  fact_value_text(FactId::kMigration, input.facts.value(FactId::kMigration)));
    const Harms& harms = judgement.harms;
    add(Stage::kCheapest, "cheapest",
        fmt::format("{}{}; proposes: {}",
                    harms.best                   ? join({harm_text("flag off", harms[Remedy::kFlagOff]),
                                                         harm_text("roll back", harms[Remedy::kRollBack]),
                                                         harm_text("fix forward", harms[Remedy::kFixForward])},
                                                        "; ")
                    : judge.bad_per_second() > 0 ? "no remedy is there"
                                                 : "nobody measured how many requests fail, so by severity",
                    harms.close ? "; too close to call" : "", words_of(judgement.cheapest)));
    std::vector<std::string> matched;
    for (const Rule* rule : judgement.matched)
      matched.push_back(fmt::format("{}: {}", place_of(*rule),
                                    rule->action            ? words_of(*rule->action)
                                    : rule->never_roll_back ? "never roll back"
                                                            : "people and times"));
    std::string text = matched.empty() ? fmt::format("none of {} holds", judge.rules().size()) : join(matched, "; ");
    if (judgement.bound != nullptr)
      text += fmt::format("; {} says {} of {}, so {} than that", place_of(*judgement.bound),
                          words_of(*judgement.bound->action),
                          judgement.at_most ? "what is worse" : "what is milder, or only a part of it",
                          judgement.at_most ? "no more" : "no less");
    if (judgement.deciding != nullptr && !judgement.emergency && *judgement.deciding->action != judgement.cheapest)
      text += fmt::format("; the team's rule goes before what is cheapest ({})", words_of(judgement.cheapest));
    add(Stage::kRules, "rules", std::move(text));
  }
  std::string authority = consents_text(judgement);
  if (judgement.within)
    authority += *judgement.within == Millis(0) ? "; now" : "; within " + span_text(*judgement.within);
  add(Stage::kAuthority, "authority", std::move(authority));
  return steps;
}

}  // namespace backout::decide
