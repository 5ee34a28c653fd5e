#include "decide/detector/baseline.h"

#include <algorithm>
#include <cmath>

#include "decide/detector/e_detector.h"
#include "decide/detector/stored.h"

namespace backout::decide {
namespace {

constexpr double kPriorSeconds = 30, kPriorDispersion = 4;

/// Votes by size and how many are bad, as numbers that need not be whole.
struct Part {
  std::vector<std::pair<int, double>> sizes;
  double votes = 0, bad = 0;
  void take(int size, double count, double bads) {
    sizes.emplace_back(size, count);
    votes += count;
    bad += bads;
  }
};

Part part_of(const std::vector<Votes>& votes) {
  Part part;
  for (const Votes& each : votes)
    part.take(each.requests, static_cast<double>(each.good + each.bad), static_cast<double>(each.bad));
  return part;
}

/// The rate of one request at which the share `bad` of such votes is bad.
double request_rate(const Part& part, double bad) {
  if (bad <= 0 || part.votes <= 0) return 0;
  if (bad >= 1) return 1;
  double low = 0, high = 1;
  for (int i = 0; i < 100 && high - low > 1e-12 * high; ++i) {
    const double middle = (low + high) / 2;
    double share = 0;
    for (const auto& [size, count] : part.sizes) share += count * vote_rate(middle, size);
    (share < bad * part.votes ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace

int vote_size(int requests) {
  if (requests <= 4) return std::max(requests, 1);
  int size = 4;
  while (size * 2 <= requests && size < (1 << 20)) size *= 2;
  return size + size / 2 <= requests ? size + size / 2 : size;
}

void Habits::add(std::span<const Votes> votes) {
  int64_t all = 0;
  double bad = 0;
  for (const Votes& each : votes) {
    if (each.good + each.bad <= 0) continue;
    Count& count = sizes_[vote_size(each.requests)];
    count.good += each.good;
    count.bad += each.bad;
    all += each.good + each.bad;
    bad += static_cast<double>(each.bad);
  }
  if (all == 0) return;
  ++seconds_;
  bad_squares_ += bad * bad;
}

void Habits::merge(const Habits& other) {
  for (const auto& [size, count] : other.sizes_) {
    sizes_[size].good += count.good;
    sizes_[size].bad += count.bad;
  }
  seconds_ += other.seconds_;
  bad_squares_ += other.bad_squares_;
}

int64_t Habits::votes() const {
  int64_t sum = 0;
  for (const auto& [size, count] : sizes_) sum += count.good + count.bad;
  return sum;
}

int64_t Habits::bad() const {
  int64_t sum = 0;
  for (const auto& [size, count] : sizes_) sum += count.bad;
  return sum;
}

std::vector<Votes> Habits::by_size() const {
  std::vector<Votes> votes;
  for (const auto& [size, count] : sizes_) votes.push_back({size, count.good, count.bad});
  return votes;
}

double Habits::overdispersion() const {
  const auto seconds = static_cast<double>(seconds_);
  double seen = 1;
  if (bad() > 0) {
    const double mean = static_cast<double>(bad()) / seconds;
    seen = (bad_squares_ / seconds - mean * mean) / mean;
  }
  return std::max(1.0, (seconds * seen + kPriorSeconds * kPriorDispersion) / (seconds + kPriorSeconds));
}

Json Habits::to_json() const {
  Json sizes = Json::array();
  for (const auto& [size, count] : sizes_) sizes.push_back({size, count.good, count.bad});
  return {{"sizes", sizes}, {"seconds", seconds_}, {"bad_squares", bad_squares_}};
}

Result<Habits> Habits::from_json(const Json& value) {
  Habits habits;
  if (value.is_null()) return habits;
  for (const Json& each : get(value, "sizes")) {
    if (!each.is_array() || each.size() != 3 || !is_count(each[0]) || !is_count(each[1]) || !is_count(each[2]) ||
        each[0].get<int64_t>() < 1 || each[0].get<int64_t>() > INT32_MAX)
      return not_stored("habits");
    habits.sizes_[vote_size(each[0].get<int>())] = {each[1].get<int64_t>(), each[2].get<int64_t>()};
  }
  habits.seconds_ = stored_count(value, "seconds");
  habits.bad_squares_ = TRY(stored_number(value, "bad_squares"));
  return habits;
}

Tolerated tolerated(std::span<const Habits> habits, const Tolerance& tolerance) {
  Habits all;
  for (const Habits& each : habits) all.merge(each);
  Part whole = part_of(all.by_size());
  whole.take(1, tolerance.prior_votes, tolerance.prior_bad);
  Tolerated result;
  result.usual = request_rate(whole, whole.bad / whole.votes);
  result.upper = request_rate(whole, upper_bound(whole.votes, whole.bad, tolerance.confidence));
  const auto beyond_doubt = [&](const Part& part) {
    const double rate = request_rate(part, lower_bound(part.votes, part.bad, tolerance.confidence));
    result.usual = std::max(result.usual, rate);
    result.upper = std::max(result.upper, rate);
  };
  for (const Votes& size : all.by_size()) beyond_doubt(part_of({size}));
  for (const Habits& each : habits) beyond_doubt(part_of(each.by_size()));
  result.usual = std::max(result.usual, tolerance.at_least_usual);
  result.tolerated =
      std::min(std::max({result.upper, tolerance.times * result.usual, result.usual + tolerance.more}), 0.999);
  return result;
}

}  // namespace backout::decide
