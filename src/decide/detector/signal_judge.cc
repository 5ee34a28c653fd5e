#include "decide/detector/signal_judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "decide/detector/stored.h"

namespace backout::decide {
namespace {

// The parts of a signal's share of alpha: they sum to 1.
constexpr double kOutcomesPart = 0.4, kSpeedsPart = 0.2, kComparedPart = 0.2, kLinesPart = 0.2;
// "Down": votes fail as if nearly all did (99 %), against a third. Six in a row reach a thousand to one.
constexpr double kDownRate = 0.99, kNotDown = 1.0 / 3, kDownThreshold = 1000;
constexpr double kSlow = 0.05;  // by definition: the share slower than the old release's p95

/// `at` as a time to be told: a second that has not come yet is of a clock that is ahead.
WallTime not_after(WallTime at, WallTime now) {
  return std::min<WallTime>(at, std::chrono::floor<std::chrono::seconds>(now));
}

EDetector down_detector() {
  return EDetector(kNotDown, {.threshold = kDownThreshold}, std::span<const double>(&kDownRate, 1));
}

}  // namespace

const SignalJudge::Measure SignalJudge::kOutcomes{kOutcomesPart, kRates, 0};
const SignalJudge::Measure SignalJudge::kSpeeds{kSpeedsPart, kSlowRates, kSlow};

SignalJudge::SignalJudge(const Watched& watched, JudgedSignal signal, double share)
    : watched_(watched),
      signal_(std::move(signal)),
      share_(share),
      compared_(threshold(kComparedPart)),
      lines_(signal_.tolerance, {.threshold = threshold(kLinesPart)}) {}

double SignalJudge::threshold(double part) const {
  const double seconds = std::max(1.0, std::chrono::duration<double>(watched_.span).count());
  return seconds / (share_ * part);
}

void SignalJudge::before(const Observation& observation) {
  if (!watched_.before_was_well || (before_to_ != WallTime() && observation.second < before_to_)) return;
  before_outcomes_.add(observation.outcomes);
  before_speeds_.add(observation.speeds);
  if (before_from_ == WallTime()) before_from_ = observation.second;
  before_to_ = observation.second;
}

void SignalJudge::feed(const Seen& seen, WallTime now) {
  position_ = seen.position;
  blind_ = seen.blind;
  if (seen_at_ > now) seen_at_ = now;  // the clock was set back
  if (!signal_.votes && seen.blind.empty()) seen_at_ = now;
  std::vector<const Observation*> after;
  for (const Observation& each : seen.observations)
    if (!is_time(each.second))
      continue;
    else if (each.arm == Arm::kOld && each.second < watched_.cutover)
      before(each);
    else
      after.push_back(&each);
  std::stable_sort(after.begin(), after.end(), [](const auto* a, const auto* b) { return a->second < b->second; });
  for (size_t i = 0; i < after.size();) {
    const WallTime at = after[i]->second;
    Second newer, older;
    int64_t requests = 0, failed = 0;
    bool new_asked = false, old_asked = false;
    const auto put = [](std::vector<Votes>& all, const std::vector<Votes>& votes) {
      all.insert(all.end(), votes.begin(), votes.end());
    };
    for (; i < after.size() && after[i]->second == at; ++i) {
      const Observation& each = *after[i];
      Second& arm = each.arm == Arm::kNew ? newer : older;
      (each.arm == Arm::kNew ? new_asked : old_asked) = true;
      put(arm.outcomes, each.outcomes);
      put(arm.speeds, each.speeds);
      if (each.arm == Arm::kOld) continue;
      requests += each.requests;
      failed += each.failed;
    }
    if (old_asked && !old_told_.admit(at, now)) older = {};
    if (new_asked && !new_told_.admit(at, now)) newer = {}, requests = failed = 0;
    second(not_after(at, now), newer, older);
    requests_ += requests;
    failed_ += failed;
    if (!newer.outcomes.empty()) {
      seen_at_ = now;
      raw_.add(not_after(at, now), static_cast<double>(requests), static_cast<double>(failed), 0);
    }
  }
  new_told_.end_look();
  old_told_.end_look();
  occurrences(seen, now);
}

void SignalJudge::second(WallTime at, const Second& newer, const Second& older) {
  new_outcomes_.add(newer.outcomes);
  new_speeds_.add(newer.speeds);
  if (!newer.outcomes.empty()) outcomes(at, newer.outcomes);
  if (!newer.speeds.empty()) {
    tune(speeds_, kSpeeds, signal_.speeds, before_speeds_);
    speeds_->detector.update(newer.speeds, at);
  }
  compared_.update(newer.outcomes, older.outcomes, at);
}

void SignalJudge::outcomes(WallTime at, const std::vector<Votes>& votes) {
  const bool first = !outcomes_;
  const int64_t known = first ? 0 : outcomes_->known;
  tune(outcomes_, kOutcomes, signal_.outcomes, before_outcomes_);
  if (first || known != outcomes_->known) clear_.emplace(outcomes_->detector.tolerated());
  if (!down_) down_ = down_detector();
  outcomes_->detector.update(votes, at);
  clear_->update(votes, outcomes_->divide);
  down_->update(votes, at);
}

SignalJudge::Tuned SignalJudge::tuned(const Measure& measure, const std::optional<Habits>& history,
                                      const Habits& before) const {
  std::vector<Habits> known = {before};
  Habits all = before;
  if (history) {
    known.push_back(*history);
    all.merge(*history);
  }
  Tolerance tolerance = signal_.tolerance;
  tolerance.at_least_usual = measure.at_least_usual;
  const Tolerated found = decide::tolerated(known, tolerance);
  const double divide = signal_.clients ? 1 : all.overdispersion();
  return {found.usual, divide, all.votes(),
          EDetector(found.tolerated, {threshold(measure.part), divide}, measure.rates)};
}

/// Before the first vote; and again when as much more is known of the time before (a source that reads it bit by bit).
void SignalJudge::tune(std::optional<Tuned>& held, const Measure& measure, const std::optional<Habits>& history,
                       const Habits& before) const {
  if (held && before.votes() + (history ? history->votes() : 0) < std::max<int64_t>(2 * held->known, 1)) return;
  Tuned found = tuned(measure, history, before);
  if (!held) {
    held = std::move(found);
    return;
  }
  held->detector.retune(found.detector.tolerated(), found.divide);
  held->usual = found.usual;
  held->divide = found.divide;
  held->known = found.known;
}

void SignalJudge::occurrences(const Seen& seen, WallTime now) {
  std::vector<WallTime> lines;
  for (const Occurrence& each : seen.occurrences) {
    if (!is_time(each.at)) continue;
    const Releases releases{watched_.current, watched_.before, watched_.cutover};
    witnesses_.add(each, releases);
    if (each.kind != "error-line" || each.elsewhere) continue;
    if (each.at < watched_.cutover) {
      if (watched_.before_was_well) lines_.before(each.at);
    } else if (each.release.empty() || each.release != watched_.before || watched_.before == watched_.current) {
      lines.push_back(std::chrono::floor<std::chrono::seconds>(each.at));
    }
  }
  std::sort(lines.begin(), lines.end());
  lines.erase(std::unique(lines.begin(), lines.end()), lines.end());
  if (seen.blind.empty() || !lines.empty()) lines_.look(lines, now, watched_.cutover);
}

std::vector<std::string> SignalJudge::remarks() const {
  std::vector<std::string> remarks;
  const int64_t left_out = new_told_.left_out() + old_told_.left_out(), jumps = new_told_.jumps() + old_told_.jumps();
  if (left_out > 0) remarks.push_back(fmt::format("{} seconds were told again or too late, and left out", left_out));
  if (jumps > 0) remarks.push_back(fmt::format("the clock of what is watched was set back {} times", jumps));
  return remarks;
}

Json SignalJudge::to_json(const Tuned& held) const {
  return {{"usual", held.usual},
          {"divide", held.divide},
          {"known", held.known},
          {"tolerated", held.detector.tolerated()},
          {"detector", held.detector.to_json()}};
}

Result<void> SignalJudge::restore(std::optional<Tuned>& held, const Measure& measure, const Json& value) const {
  held.reset();
  if (value.is_null()) return {};
  const double usual = TRY(stored_number(value, "usual")), divide = TRY(stored_number(value, "divide"));
  const double rate = TRY(stored_number(value, "tolerated"));
  held = Tuned{usual, divide, stored_count(value, "known"),
               EDetector(rate, {threshold(measure.part), divide}, measure.rates)};
  return held->detector.restore(get(value, "detector"));
}

Json SignalJudge::to_json() const {
  Json value = {{"position", position_}};
  const auto habits = [&](const char* name, const Habits& which) {
    if (which.seconds() > 0) value[name] = which.to_json();
  };
  habits("before_outcomes", before_outcomes_);
  habits("before_speeds", before_speeds_);
  habits("new_outcomes", new_outcomes_);
  habits("new_speeds", new_speeds_);
  for (const auto& [name, part] :
       {std::pair("new_told", new_told_.to_json()), std::pair("old_told", old_told_.to_json()),
        std::pair("lines", lines_.to_json()), std::pair("witnesses", witnesses_.to_json())})
    if (!part.empty()) value[name] = part;
  store_time(value, "before_from_ms", before_from_);
  store_time(value, "before_to_ms", before_to_);
  store_time(value, "seen_ms", seen_at_);
  if (!blind_.empty()) value["blind"] = blind_;
  if (outcomes_) {
    value["outcomes"] = to_json(*outcomes_);
    value["down"] = down_->to_json();
    value["clear"] = clear_->to_json();
    value["raw"] = raw_.to_json();
    value["requests"] = requests_;
    value["failed"] = failed_;
  }
  if (speeds_) value["speeds"] = to_json(*speeds_);
  if (compared_.newer().votes + compared_.older().votes > 0) value["compared"] = compared_.to_json();
  return value;
}

Result<void> SignalJudge::restore(const Json& value) {
  position_ = get(value, "position");
  before_outcomes_ = TRY(Habits::from_json(get(value, "before_outcomes")));
  before_speeds_ = TRY(Habits::from_json(get(value, "before_speeds")));
  new_outcomes_ = TRY(Habits::from_json(get(value, "new_outcomes")));
  new_speeds_ = TRY(Habits::from_json(get(value, "new_speeds")));
  new_told_.restore(get(value, "new_told"));
  old_told_.restore(get(value, "old_told"));
  TRY_VOID(lines_.restore(get(value, "lines")));
  TRY_VOID(witnesses_.restore(get(value, "witnesses")));
  before_from_ = stored_time(value, "before_from_ms");
  before_to_ = stored_time(value, "before_to_ms");
  seen_at_ = stored_time(value, "seen_ms");
  blind_ = get_string(value, "blind");
  TRY_VOID(restore(outcomes_, kOutcomes, get(value, "outcomes")));
  TRY_VOID(restore(speeds_, kSpeeds, get(value, "speeds")));
  if (outcomes_) {
    down_ = down_detector();
    TRY_VOID(down_->restore(get(value, "down")));
    clear_.emplace(outcomes_->detector.tolerated());
    TRY_VOID(clear_->restore(get(value, "clear")));
    TRY_VOID(raw_.restore(get(value, "raw")));
    requests_ = stored_count(value, "requests");
    failed_ = stored_count(value, "failed");
  }
  if (value.contains("compared")) TRY_VOID(compared_.restore(value["compared"]));
  return {};
}

}  // namespace backout::decide
