#include "app/watching/vigil.h"

#include <algorithm>

#include "base/text.h"

namespace backout::app {
namespace {

constexpr Millis kDecideAgain{30'000};
/// A release that has just come was seen by nobody yet.
constexpr Millis kBlindIsNews{60'000};

bool any(const std::vector<Evidence>& evidence, EvidenceState state) {
  return std::any_of(evidence.begin(), evidence.end(), [&](const Evidence& each) { return each.state == state; });
}

}  // namespace

Result<Vigil> Vigil::open(const Workspace& workspace, Millis span, std::string asked) {
  Vigil vigil(workspace, TRY(Following::open(workspace, span)), std::move(asked));
  const Json judgement = TRY(workspace.journal().judgement(workspace.site().id));
  const Json& verdict = get(judgement, "verdict");
  vigil.standing_ = verdict.is_object() && get_string(verdict, "verdict") != name_of(Verdict::kMonitor);
  return vigil;
}

Result<Json> Vigil::said_by_people() const {
  const Json judgement = TRY(workspace_->journal().judgement(workspace_->site().id));
  Json said = Json::array();
  said.push_back(get(judgement, "reports"));
  said.push_back(get(judgement, "facts"));
  return said;
}

bool Vigil::worth_deciding(const Following::Round& round, const Checked* checked, const Json& said) const {
  const bool alarm = any(round.evidence, EvidenceState::kAlarm);
  const bool failing = checked != nullptr && !checked->all_hold();
  const bool blind = any(round.evidence, EvidenceState::kBlind) &&
                     system_clock().wall() - following_.newcomer().cutover >= kBlindIsNews;
  const bool reported = said[0].is_array() && !said[0].empty();
  if (!last_) return alarm || failing || blind || reported || standing_;
  if (said != said_) return true;
  if (blind && !last_->decision.blind && !alarm) return true;
  if (round.news || failing != checks_failed_) return true;
  // Facts that change by themselves (the age of the release, somebody's answer) may change what is to be done.
  return last_->decision.verdict != Verdict::kMonitor && system_clock().boot() - decided_at_ >= kDecideAgain;
}

Result<VigilRound> Vigil::step(bool all, const Checked* checked, const std::stop_token& stop) {
  Following::Round seen = TRY(following_.look(all, stop));
  VigilRound round{seen.evidence, seen.remarks, seen.news, {}};
  const Json said = TRY(said_by_people());
  just_decided_ = false;
  if (!worth_deciding(seen, checked, said)) return round;
  Decided decided = TRY(decide_on(*workspace_, {.asked = asked_}, following_, seen.evidence, checked));
  decided_at_ = system_clock().boot();
  said_ = said;
  checks_failed_ = checked != nullptr && !checked->all_hold();
  if (decided.decision.verdict != Verdict::kNeedsApproval)
    deadline_ = WallTime();
  else
    deadline_ = decided.decision.deadline;  // of the first time that it was said, also by another process
  just_decided_ = true;
  last_ = decided;
  round.decided = std::move(decided);
  return round;
}

bool Vigil::may_act(WallTime now) const {
  if (!last_ || !last_->plan) return false;
  const Decision& decision = last_->decision;
  if (decision.verdict == Verdict::kRollBack) return decision.automatic;
  const auto& opted_in = workspace_->site().policies.automatic;
  return decision.verdict == Verdict::kNeedsApproval && decision.on_timeout == OnTimeout::kRollBack &&
         deadline_ != WallTime() && now >= deadline_ &&
         std::find(opted_in.begin(), opted_in.end(), "timeout") != opted_in.end() &&
         std::none_of(decision.vetoes.begin(), decision.vetoes.end(), [](const Veto&) { return true; });
}

std::string line_of(const Evidence& evidence) {
  const std::string name = one_line(evidence.signal) + " " + evidence.measure;
  if (evidence.state == EvidenceState::kBlind)
    return name + ": BLIND" + (evidence.why.empty() ? "" : ", " + one_line(evidence.why));
  if (evidence.measure == "occurrences")
    return fmt::format("{}: {}{}", name, name_of(evidence.state),
                       evidence.why.empty() ? "" : ", " + one_line(evidence.why));
  std::string line = fmt::format("{}: {}, {} of {} votes bad, {:.1f} of {:.1f} dB", name, name_of(evidence.state),
                                 evidence.bad, evidence.votes, std::max(evidence.decibels, 0.0), evidence.needed);
  if (evidence.more_votes > 0)
    line += fmt::format(", needs about {} more votes, {}", evidence.more_votes, for_people(evidence.more_time));
  return line;
}

}  // namespace backout::app
