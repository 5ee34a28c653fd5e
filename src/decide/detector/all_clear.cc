#include "decide/detector/all_clear.h"

#include <algorithm>
#include <cmath>

#include "decide/detector/e_detector.h"
#include "decide/detector/stored.h"

namespace backout::decide {
namespace {

double five_times(double p) { return std::min(5 * p, (1 + p) / 2); }
double odds_ratio(double worse, double p) { return worse / (1 - worse) * (1 - p) / p; }

}  // namespace

AllClear::AllClear(double tolerated, double worse, double beta)
    : tolerated_(std::clamp(tolerated, 1e-9, 1 - 1e-9)),
      ratio_(odds_ratio(worse, tolerated_)),
      boundary_(std::log(beta)) {}
AllClear::AllClear(double tolerated) : AllClear(tolerated, five_times(std::clamp(tolerated, 1e-9, 1 - 1e-9))) {}

void AllClear::update(std::span<const Votes> votes, double divide) {
  double weight = 0;
  for (const Votes& each : votes) {
    const double part = std::log1p((ratio_ - 1) * vote_rate(tolerated_, each.requests));
    weight += static_cast<double>(each.bad) * std::log(ratio_) - static_cast<double>(each.good + each.bad) * part;
  }
  walk_ += weight / divide;
  if (walk_ <= boundary_) clear_ = true;
  if (walk_ >= 0) clear_ = false;
  walk_ = std::clamp(walk_, boundary_, -boundary_);
}

int64_t AllClear::good_votes_needed() const {
  if (clear_) return 0;
  return static_cast<int64_t>(std::ceil((walk_ - boundary_) / std::log1p((ratio_ - 1) * tolerated_)));
}

Json AllClear::to_json() const { return {{"walk", walk_}, {"clear", clear_}}; }

Result<void> AllClear::restore(const Json& value) {
  walk_ = TRY(stored_number(value, "walk"));
  clear_ = get_bool(value, "clear");
  return {};
}

}  // namespace backout::decide
