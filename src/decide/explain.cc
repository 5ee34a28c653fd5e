#include "decide/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/text.h"
#include "decide/wording.h"

namespace backout::decide {
namespace {

constexpr size_t kWidth = 118;
constexpr size_t kShownChanges = 3, kShownVetoes = 4;

/// "  seen       words ...", folded under the words; `width` of the name.
void add_row(std::vector<std::string>& lines, std::string_view name, const std::string& text, size_t width = 10) {
  std::string line = fmt::format("  {:<{}}", name, width);
  const size_t indent = line.size() > width + 2 ? 4 : width + 3;
  bool empty = false;
  for (const std::string& word : split(text, ' ')) {
    if (word.empty()) continue;
    if (!empty && line.size() + 1 + word.size() > kWidth) {
      lines.push_back(line);
      line = std::string(indent, ' ');
      empty = true;
    }
    line += (empty ? "" : " ") + word;
    empty = false;
  }
  lines.push_back(line);
}

const MatchedRule* decided_rule(const Decision& decision) {
  for (const MatchedRule& rule : decision.matched)
    if (rule.decided) return &rule;
  return nullptr;
}

std::string rule_text(const MatchedRule& rule) {
  return fmt::format("rule {}{}{}", rule.where, rule.cites.empty() ? "" : fmt::format(" ({})", rule.cites),
                     rule.says.empty() ? "" : ": " + rule.says);
}

std::string approvals_text(const Decision& decision) {
  std::vector<std::string> parts;
  for (const ApprovalGroup& group : decision.approvals) {
    const bool all = group.need == static_cast<int>(group.of.size());
    parts.push_back((all ? "" : fmt::format("{} of ", group.need)) + join(group.of, all ? " and " : ", "));
  }
  return join(parts, "; ");
}

std::string headline(const Decision& decision) {
  const std::string versions = decision.to.empty() ? decision.from : decision.from + " -> " + decision.to;
  std::string line;
  switch (decision.verdict) {
    case Verdict::kRollBack:
      line = fmt::format("ROLL BACK {}", versions);
      line += decision.within && *decision.within > Millis(0) ? fmt::format(", within {}", span_text(*decision.within))
                                                              : ", now";
      line += ".  No approval needed";
      break;
    case Verdict::kNeedsApproval:
      line = fmt::format("NEEDS APPROVAL: roll back {}?", versions);
      if (!decision.approvals.empty()) line += fmt::format("  {} must approve", approvals_text(decision));
      if (decision.within)
        line += *decision.within > Millis(0) ? fmt::format(" by {}", to_hms(decision.deadline)) : " now";
      break;
    case Verdict::kFixForward: line = fmt::format("FIX FORWARD: {}", decision.remedy); break;
    case Verdict::kFlagOff: line = fmt::format("FLAG OFF: {}", decision.remedy); break;
    case Verdict::kMonitor:
      line = decision.blind ? "MONITOR, but BLIND: nothing is known of " + decision.from
                            : fmt::format("MONITOR {}: watch on", decision.from);
      break;
  }
  const MatchedRule* rule = decided_rule(decision);
  if (rule != nullptr) return line + fmt::format(" ({})", rule_text(*rule)) + ".";
  return line + fmt::format(" ({}).", decision.reason);
}

std::string seen_text(const Evidence& each) {
  std::string text = one_line(each.signal) + " ";
  if (each.state == EvidenceState::kBlind)
    return text + "BLIND: " + (each.why.empty() ? "nothing was seen" : one_line(each.why));
  if (each.votes > 0)
    text += fmt::format("{} {:.1f} % ({} of {} votes)  tolerated {}", each.measure,
                        100 * static_cast<double>(each.bad) / static_cast<double>(each.votes),
                        grouped(static_cast<double>(each.bad)), grouped(static_cast<double>(each.votes)),
                        fact_value_text(FactId::kErrorRate, 100 * each.tolerated));
  else
    text += each.measure;
  if (each.needed > 0)
    text += fmt::format("  evidence {:.0f} dB of {:.1f} needed", std::max(each.decibels, 0.0), each.needed);
  else if (each.state != EvidenceState::kClear)
    text += fmt::format(": {}{}", name_of(each.state), each.why.empty() ? "" : ", " + one_line(each.why));
  if (each.state == EvidenceState::kQuiet && each.more_votes > 0)
    text += fmt::format(", about {} more votes, {}", grouped(static_cast<double>(each.more_votes)),
                        for_people(each.more_time));
  if (each.state == EvidenceState::kClear) text += ", clear";
  return text;
}

std::string sure(double posterior) {
  return posterior > 0.99 ? "over 99 %" : posterior < 0.01 ? "under 1 %" : fmt::format("{:.0f} %", 100 * posterior);
}

std::string harm_of(const Alternative& each) {
  if (!each.time) return fmt::format("{}: {}", each.remedy, each.why);
  std::string text = fmt::format("{} {}", each.remedy, span_text(*each.time));
  if (each.failed_requests) text += fmt::format(": about {} failed requests", grouped(*each.failed_requests));
  return text;
}

void add_facts(const Decision& decision, std::vector<std::string>& lines) {
  std::vector<std::string> shown;
  for (const FactKind& kind : all_fact_kinds()) {
    const Fact& fact = decision.facts[kind.id];
    const bool said =
        fact.value && (kind.scale != FactScale::kYesNo || *fact.value > 0) && kind.id != FactId::kTargetVerified;
    if (!said || kind.id == FactId::kErrorRate) continue;
    shown.push_back(fmt::format("{} {}{}", kind.name, fact_value_text(kind.id, fact.value),
                                fact.source.starts_with("told") ? fmt::format(" ({})", fact.source) : ""));
  }
  if (!shown.empty()) add_row(lines, "facts", join(shown, " · "));
}

}  // namespace

std::vector<std::string> explained(const Decision& decision) {
  std::vector<std::string> lines{headline(decision), ""};
  size_t vetoes = 0;
  for (const Veto& veto : decision.vetoes)
    if (vetoes++ < kShownVetoes) add_row(lines, veto.blocks ? "VETO" : "not alone", veto.what);
  for (const Evidence& each : decision.evidence)
    add_row(lines, &each == &decision.evidence.front() ? "seen" : "", seen_text(each));
  add_facts(decision, lines);
  if (!decision.alternatives.empty()) {
    add_row(
        lines, "cause",
        fmt::format("the release: {}{}{}", sure(decision.posterior),
                    decision.cause.size() > 1 ? "; " + decision.cause[1].substr(0, decision.cause[1].find(": x")) : "",
                    decision.suspect.empty() ? "" : "; else: " + decision.suspect));
    std::vector<std::string> costs;
    for (const Alternative& each : decision.alternatives) costs.push_back(harm_of(each));
    add_row(lines, "cost", join(costs, " · "));
  }
  std::vector<std::string> changes;
  for (const Counterfactual& each : decision.counterfactuals)
    if (changes.size() < kShownChanges) changes.push_back(each.text);
  if (!changes.empty()) add_row(lines, "would change it:", join(changes, " · "));
  if (!decision.questions.empty()) add_row(lines, "not known", join(decision.questions, ", "));
  if (!decision.tell.empty()) add_row(lines, "tell", join(decision.tell, ", "));
  std::string next;
  switch (decision.verdict) {
    case Verdict::kRollBack: next = "backout rollback --reason \"...\""; break;
    case Verdict::kNeedsApproval:
      next = "backout plan; then, with their consent: backout rollback --reason \"...\"";
      break;
    case Verdict::kFixForward: next = "backout deploy --version V -- CMD..."; break;
    case Verdict::kFlagOff: next = "turn the flag off, then: backout watch"; break;
    case Verdict::kMonitor: next = "backout watch"; break;
  }
  lines.emplace_back();
  lines.push_back(fmt::format("  next: {}         why: backout decide --explain", next));
  return lines;
}

std::vector<std::string> explained_fully(const Decision& decision) {
  std::vector<std::string> lines{headline(decision), ""};
  lines.push_back(
      fmt::format("{} at {}, inputs {}", decision.site, to_iso(decision.at), decision.inputs_hash.substr(0, 16)));
  lines.emplace_back();
  lines.emplace_back("steps");
  for (const TraceStep& step : decision.trace) add_row(lines, (step.decisive ? "* " : "  ") + step.step, step.text, 12);
  lines.emplace_back();
  lines.emplace_back("facts");
  for (const FactKind& kind : all_fact_kinds()) {
    const Fact& fact = decision.facts[kind.id];
    if (!fact.value) continue;
    std::string text = fmt::format("{}: {}   from {}", kind.name, fact_value_text(kind.id, fact.value),
                                   fact.source.empty() ? "nobody" : fact.source);
    if (fact.at != WallTime()) text += " at " + to_hms(fact.at);
    if (fact.confidence < 1) text += fmt::format(", confidence {:.0f} %", 100 * fact.confidence);
    if (!fact.detail.empty()) text += "; " + fact.detail;
    add_row(lines, "", text, 0);
  }
  std::vector<std::string> unknown;
  for (const FactKind& kind : all_fact_kinds())
    if (!decision.facts.known(kind.id)) unknown.emplace_back(kind.name);
  if (!unknown.empty()) add_row(lines, "unknown", join(unknown, ", "));
  lines.emplace_back();
  lines.emplace_back("rules that hold");
  if (decision.matched.empty()) add_row(lines, "", "none", 0);
  for (const MatchedRule& rule : decision.matched)
    add_row(lines, rule.decided ? "* " + rule.id : "  " + rule.id,
            fmt::format("{}: {}", rule.action ? words_of(*rule.action) : "adds to it", rule_text(rule)), 24);
  lines.emplace_back();
  lines.emplace_back("rules that do not");
  if (decision.tried.empty()) add_row(lines, "", "none", 0);
  for (const RuleTried& rule : decision.tried)
    add_row(lines, "  " + rule.id, fmt::format("{}{}: {}", rule.open ? "open, " : "", rule.where, rule.why), 24);
  lines.emplace_back();
  lines.emplace_back("vetoes");
  if (decision.vetoes.empty()) add_row(lines, "", "none", 0);
  for (const Veto& veto : decision.vetoes)
    add_row(lines, "  " + veto.id, veto.what + (veto.blocks ? "" : " (never without a person)"), 24);
  lines.emplace_back();
  lines.emplace_back("is it the release");
  for (const std::string& each : decision.cause) add_row(lines, "", each, 0);
  add_row(lines, "",
          fmt::format("together: {}{}", sure(decision.posterior),
                      decision.suspect.empty() ? "" : "; else: " + decision.suspect),
          0);
  lines.emplace_back();
  lines.emplace_back("what it costs");
  for (const Alternative& each : decision.alternatives)
    add_row(lines, each.chosen ? "*" : "",
            harm_of(each) + (each.time && !each.why.empty() ? fmt::format(" ({})", each.why) : ""), 1);
  lines.emplace_back();
  lines.emplace_back("what would change it");
  if (decision.counterfactuals.empty()) add_row(lines, "", "no single fact", 0);
  for (const Counterfactual& each : decision.counterfactuals) add_row(lines, "", each.text, 0);
  lines.emplace_back();
  lines.push_back(fmt::format("automatic: {} ({})", decision.automatic ? "yes" : "no", decision.automatic_why));
  return lines;
}

}  // namespace backout::decide
