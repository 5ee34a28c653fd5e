// What a signal's detectors are evidence of at one instant.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "decide/detector/signal_judge.h"

namespace backout::decide {
namespace {

// A stream with as many votes a second as before the cutover is silent for so long once in a thousand times.
constexpr double kSilence = 6.9;
constexpr auto kLongestSilence = std::chrono::minutes(10);

std::string percent(double rate) { return fmt::format("{:.2g} %", 100 * rate); }

std::string compared_with(int64_t known, double usual) {
  if (known == 0) return "nothing is known of the time before";
  return fmt::format("{} was usual", percent(usual));
}

}  // namespace

/// How long nothing has been seen that is more than chance.
bool SignalJudge::silent(WallTime now) const {
  if (seen_at_ == WallTime()) return true;
  Millis limit = std::max(watched_.blind_after, 3 * signal_.every);
  if (signal_.votes && before_to_ > before_from_) {
    const double seconds = std::chrono::duration<double>(before_to_ - before_from_).count() + 1;
    const double rate = static_cast<double>(before_outcomes_.votes()) / seconds;
    if (rate > 0) {
      const double longest = std::chrono::duration<double, std::milli>(kLongestSilence).count();
      limit = std::max(limit, Millis(static_cast<int64_t>(std::min(longest, 1000 * kSilence / rate))));
    }
  }
  return now - seen_at_ > limit;
}

std::string SignalJudge::why_blind(WallTime now) const {
  if (!blind_.empty()) return blind_;
  if (seen_at_ != WallTime()) return "nothing was seen for " + for_people(now - seen_at_);
  return signal_.votes ? "no request of this release was seen yet" : "it was not looked at yet";
}

Evidence SignalJudge::of(const EDetector& detector, const char* measure, WallTime now) const {
  Evidence evidence;
  evidence.signal = signal_.name;
  evidence.measure = measure;
  evidence.state = detector.alarm() ? EvidenceState::kAlarm
                   : silent(now)    ? EvidenceState::kBlind
                                    : EvidenceState::kQuiet;
  evidence.votes = detector.votes();
  evidence.bad = detector.bad();
  evidence.tolerated = detector.tolerated();
  evidence.decibels = detector.decibels();
  evidence.needed = detector.needed();
  evidence.first_bad = detector.first_bad();
  evidence.onset = detector.onset();
  evidence.alarm_at = detector.alarm_at();
  const EDetector::Forecast forecast = detector.forecast(now);
  evidence.more_votes = forecast.votes;
  evidence.more_time = forecast.time;
  return evidence;
}

void SignalJudge::tell(std::vector<Evidence>& told, WallTime now) const {
  const size_t first = told.size();
  if (outcomes_) {
    Evidence evidence = of(outcomes_->detector, "outcomes", now);
    if (evidence.state == EvidenceState::kQuiet && clear_->clear() && blind_.empty())
      evidence.state = EvidenceState::kClear;
    evidence.why = compared_with(outcomes_->known, outcomes_->usual);
    if (!outcomes_->detector.can_alarm()) evidence.why += ": so much that nothing would stand out";
    told.push_back(evidence);
    if (down_->alarm() && outcomes_->detector.alarm()) {
      Evidence down = of(*down_, "down", now);
      down.alarm_at = std::max(down.alarm_at, outcomes_->detector.alarm_at());
      down.tolerated = outcomes_->detector.tolerated();
      down.why = "nearly every vote fails";
      told.push_back(down);
    }
  }
  if (compared_.comparable()) {
    const double old_share = static_cast<double>(compared_.older().bad) / static_cast<double>(compared_.older().votes);
    Evidence evidence;
    evidence.signal = signal_.name;
    evidence.measure = "compared";
    evidence.state = compared_.alarm() ? EvidenceState::kAlarm
                     : silent(now)     ? EvidenceState::kBlind
                                       : EvidenceState::kQuiet;
    evidence.votes = compared_.newer().votes;
    evidence.bad = compared_.newer().bad;
    evidence.decibels = compared_.decibels();
    evidence.needed = compared_.needed();
    evidence.tolerated = outcomes_ ? outcomes_->detector.tolerated() : 0;
    evidence.first_bad = compared_.first_bad();
    evidence.onset = compared_.onset();
    evidence.alarm_at = compared_.alarm_at();
    evidence.why = fmt::format("{} of the old release's votes fail beside it", percent(old_share));
    told.push_back(evidence);
  }
  if (speeds_) {
    told.push_back(of(speeds_->detector, "speeds", now));
    told.back().why = fmt::format("{} slower than the old release's p95 was usual", percent(speeds_->usual));
  }
  if (lines_.detector()) {
    // Its votes are seconds, no share of the requests: they are told in words.
    told.push_back(of(*lines_.detector(), "lines", now));
    told.back().why = fmt::format("{} of {} seconds have an error line, {} was usual", told.back().bad,
                                  told.back().votes, percent(lines_.usual()));
    told.back().votes = 0;
  }
  if (witnesses_.any() || (!signal_.votes && told.size() == first)) {
    Evidence evidence;
    evidence.signal = signal_.name;
    witnesses_.tell(evidence);
    if (!witnesses_.alarm() && silent(now) && !signal_.votes) evidence.state = EvidenceState::kBlind;
    told.push_back(evidence);
  }
  if (signal_.votes && !outcomes_) {
    Evidence evidence;
    evidence.signal = signal_.name;
    evidence.measure = "outcomes";
    told.insert(told.begin() + static_cast<std::ptrdiff_t>(first), evidence);
  }
  for (size_t i = first; i < told.size(); ++i) {
    Evidence& evidence = told[i];
    evidence.requests = requests_;
    evidence.failed = failed_;
    evidence.bad_per_second = raw_.bad_per_second(now);
    if (evidence.measure == "outcomes" || evidence.measure == "compared") {
      evidence.old_votes = compared_.older().votes;
      evidence.old_bad = compared_.older().bad;
    }
    if (evidence.state == EvidenceState::kBlind) evidence.why = why_blind(now);
  }
}

}  // namespace backout::decide
