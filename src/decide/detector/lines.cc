#include "decide/detector/lines.h"

#include <algorithm>

#include "decide/detector/stored.h"

namespace backout::decide {
namespace {

using std::chrono::seconds;

int64_t seconds_from(WallTime from, WallTime to) {
  return std::max<int64_t>(0, std::chrono::duration_cast<seconds>(to - from).count());
}

WallTime whole(WallTime at) { return std::chrono::floor<seconds>(at); }

}  // namespace

void Lines::before(WallTime at) {
  const WallTime second = whole(at);
  if (detector_ || second == before_last_) return;
  if (before_ == 0 || second < before_first_) before_first_ = second;
  before_last_ = second;
  ++before_;
}

void Lines::begin(WallTime cutover) {
  Habits habits;
  const int64_t reach = std::max(seconds_from(before_first_, cutover), before_);
  const Votes votes{1, reach - before_, before_};
  habits.add({&votes, 1});
  const Tolerated found = decide::tolerated({&habits, 1}, tolerance_);
  usual_ = found.usual;
  detector_.emplace(found.tolerated, stakes_);
}

void Lines::look(std::span<const WallTime> bad, WallTime now, WallTime cutover) {
  if (clock_ == WallTime()) clock_ = whole(cutover);
  now = whole(now);
  if (!bad.empty() && !detector_ && before_ > 0) begin(cutover);
  if (!detector_) return;  // the seconds so far are counted when there is something to count against them
  const auto good_until = [&](WallTime second) {
    const Votes votes{1, seconds_from(clock_, second), 0};
    if (votes.good > 0) detector_->update({&votes, 1}, second);
  };
  for (const WallTime second : bad) {
    if (!told_.admit(second, now)) continue;
    good_until(second);
    const Votes votes{1, 0, 1};
    detector_->update({&votes, 1}, second);
    clock_ = std::max(clock_, second + seconds(1));
  }
  told_.end_look();
  good_until(now);
  clock_ = now;  // also when it was set back
}

Json Lines::to_json() const {
  Json value = Json::object();
  if (before_ > 0) value["before"] = before_;
  store_time(value, "before_first_ms", before_first_);
  store_time(value, "before_last_ms", before_last_);
  store_time(value, "clock_ms", clock_);
  if (detector_) {
    value["told"] = told_.to_json();
    value["usual"] = usual_;
    value["tolerated"] = detector_->tolerated();
    value["detector"] = detector_->to_json();
  }
  return value;
}

Result<void> Lines::restore(const Json& value) {
  before_ = stored_count(value, "before");
  before_first_ = stored_time(value, "before_first_ms");
  before_last_ = stored_time(value, "before_last_ms");
  clock_ = stored_time(value, "clock_ms");
  told_.restore(get(value, "told"));
  detector_.reset();
  if (!value.contains("detector")) return {};
  usual_ = TRY(stored_number(value, "usual"));
  detector_.emplace(TRY(stored_number(value, "tolerated")), stakes_);
  return detector_->restore(get(value, "detector"));
}

}  // namespace backout::decide
