#include "decide/detector/two_arm.h"

#include <algorithm>
#include <cmath>

#include "decide/detector/baseline.h"
#include "decide/detector/e_detector.h"
#include "decide/detector/stored.h"

namespace backout::decide {
namespace {

constexpr auto kWaits = std::chrono::minutes(1);  // what came longer ago is not of the same time

}  // namespace

TwoArm::TwoArm(double threshold)
    : threshold_(threshold), mixture_(std::vector<double>(std::begin(kRatios), std::end(kRatios))) {}

void TwoArm::update(std::span<const Votes> newer, std::span<const Votes> older, WallTime at) {
  const auto take = [&](std::span<const Votes> votes, Arms& total, Arms Open::*arm) {
    for (const Votes& each : votes) {
      if (each.good + each.bad <= 0) continue;
      Open& open = open_[vote_size(each.requests)];
      if (open.since == WallTime()) open.since = at;
      (open.*arm).votes += each.good + each.bad;
      (open.*arm).bad += each.bad;
      total.votes += each.good + each.bad;
      total.bad += each.bad;
      if (arm == &Open::newer && each.bad > 0 && first_bad_ == WallTime()) first_bad_ = at;
    }
  };
  take(newer, newer_, &Open::newer);
  take(older, older_, &Open::older);
  int64_t bad = 0;
  for (auto each = open_.begin(); each != open_.end();) {
    const Open& open = each->second;
    const bool both = open.newer.votes > 0 && open.older.votes > 0;
    if (both && open.newer.bad + open.older.bad > 0) {
      const auto votes = static_cast<double>(open.newer.votes);
      mixture_.weigh(votes / (votes + static_cast<double>(open.older.votes)), open.older.bad, open.newer.bad);
      bad += open.newer.bad + open.older.bad;
    }
    each = both || at - open.since > kWaits || at < open.since ? open_.erase(each) : std::next(each);
  }
  if (bad == 0) return;
  mixture_.close(at);
  const double evidence = mixture_.log_evidence();
  if (!alarm() && evidence >= std::log(threshold_)) {
    alarm_at_ = at;
    onset_ = mixture_.onset();
  }
  if (alarm()) peak_ = std::max(peak_, evidence);
}

WallTime TwoArm::onset() const { return alarm() ? onset_ : mixture_.onset(); }
double TwoArm::decibels() const { return decibels_of(alarm() ? peak_ : mixture_.log_evidence()); }
double TwoArm::needed() const { return decibels_of(std::log(threshold_)); }

Json TwoArm::to_json() const {
  Json value = {
      {"mixture", mixture_.to_json()}, {"newer", {newer_.votes, newer_.bad}}, {"older", {older_.votes, older_.bad}}};
  for (const auto& [size, open] : open_)
    value["open"].push_back(
        {size, open.newer.votes, open.newer.bad, open.older.votes, open.older.bad, to_millis(open.since)});
  store_time(value, "alarm_ms", alarm_at_);
  store_time(value, "onset_ms", onset_);
  store_time(value, "first_bad_ms", first_bad_);
  if (alarm()) value["peak"] = peak_;
  return value;
}

Result<void> TwoArm::restore(const Json& value) {
  const auto integers = [](const Json& list, size_t count) {
    return list.is_array() && list.size() == count &&
           std::all_of(list.begin(), list.end(), [](const Json& each) { return is_count(each); });
  };
  TRY_VOID(mixture_.restore(get(value, "mixture")));
  const Json &newer = get(value, "newer"), &older = get(value, "older");
  if (!integers(newer, 2) || !integers(older, 2)) return not_stored("arms");
  newer_ = {newer[0].get<int64_t>(), newer[1].get<int64_t>()};
  older_ = {older[0].get<int64_t>(), older[1].get<int64_t>()};
  open_.clear();
  for (const Json& each : get(value, "open")) {
    if (!integers(each, 6)) return not_stored("open");
    open_[vote_size(static_cast<int>(std::min<int64_t>(each[0].get<int64_t>(), INT32_MAX)))] = {
        {each[1].get<int64_t>(), each[2].get<int64_t>()},
        {each[3].get<int64_t>(), each[4].get<int64_t>()},
        wall_from_millis(each[5].get<int64_t>())};
  }
  alarm_at_ = stored_time(value, "alarm_ms");
  onset_ = stored_time(value, "onset_ms");
  first_bad_ = stored_time(value, "first_bad_ms");
  peak_ = alarm() ? TRY(stored_number(value, "peak")) : kNoEvidence;
  return {};
}

}  // namespace backout::decide
