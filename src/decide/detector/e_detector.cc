#include "decide/detector/e_detector.h"

#include <algorithm>
#include <cmath>

#include "decide/detector/stored.h"

namespace backout::decide {
namespace {

constexpr double kStandsOut = 1.2;  // times what is tolerated, at least
constexpr double kLeast = 1e-9;     // a rate of nothing at all would make one bad vote proof

double odds(double p) { return p / (1 - p); }
double within(double p) { return std::clamp(p, kLeast, 1 - kLeast); }

std::vector<double> ratios_above(double tolerated, std::span<const double> rates) {
  std::vector<double> ratios;
  for (const double rate : rates)
    if (rate > kStandsOut * tolerated) ratios.push_back(odds(rate) / odds(tolerated));
  return ratios;
}

}  // namespace

double vote_rate(double p, int requests) { return requests <= 1 ? p : -std::expm1(requests * std::log1p(-p)); }

double decibels_of(double log_evidence) { return std::max(0.0, 10 / std::log(10.0) * log_evidence); }

EDetector::EDetector(double tolerated, Stakes stakes, std::span<const double> rates)
    : tolerated_(within(tolerated)), stakes_(stakes), rates_(rates), mixture_(ratios_above(tolerated_, rates)) {
  stakes_.divide = std::max(1.0, stakes_.divide);
}

void EDetector::update(std::span<const Votes> votes, WallTime at) {
  int64_t good = 0, bad = 0;
  double expected = 0;
  for (const Votes& each : votes) {
    if (each.good + each.bad <= 0) continue;
    const double p = vote_rate(tolerated_, each.requests);
    mixture_.weigh(p, each.good, each.bad);
    good += each.good;
    bad += each.bad;
    expected += p * static_cast<double>(each.good + each.bad);
  }
  if (good + bad == 0) return;
  mixture_.close(at, stakes_.divide);
  pace_.add(at, static_cast<double>(good + bad), static_cast<double>(bad), expected);
  votes_ += good + bad;
  bad_ += bad;
  if (bad > 0 && first_bad_ == WallTime()) first_bad_ = at;
  const double evidence = mixture_.log_evidence();
  if (!alarm() && evidence >= std::log(stakes_.threshold)) {
    alarm_at_ = at;
    onset_ = mixture_.onset();
  }
  if (alarm()) peak_ = std::max(peak_, evidence);
}

WallTime EDetector::onset() const { return alarm() ? onset_ : mixture_.onset(); }
double EDetector::decibels() const { return decibels_of(alarm() ? peak_ : mixture_.log_evidence()); }
double EDetector::needed() const { return decibels_of(std::log(stakes_.threshold)); }

EDetector::Forecast EDetector::forecast(WallTime now) const {
  if (alarm()) return {};
  const double votes = std::ceil(
      mixture_.votes_until(std::log(stakes_.threshold), pace_.expected_share(), pace_.bad_share(), stakes_.divide));
  const double per_second = pace_.votes_per_second(now);
  constexpr double kFar = 1e12;  // beyond that it is no forecast
  if (votes < 1 || votes > kFar || per_second <= 0 || votes / per_second > kFar) return {};
  return {static_cast<int64_t>(votes), Millis(static_cast<int64_t>(1000 * votes / per_second))};
}

void EDetector::retune(double tolerated, double divide) {
  tolerated_ = within(tolerated);
  stakes_.divide = std::max(1.0, divide);
  mixture_ = Mixture(ratios_above(tolerated_, rates_));
}

Json EDetector::to_json() const {
  Json value = {{"mixture", mixture_.to_json()}, {"pace", pace_.to_json()}, {"votes", votes_}, {"bad", bad_}};
  store_time(value, "alarm_ms", alarm_at_);
  store_time(value, "onset_ms", onset_);
  store_time(value, "first_bad_ms", first_bad_);
  if (alarm()) value["peak"] = peak_;
  return value;
}

Result<void> EDetector::restore(const Json& value) {
  TRY_VOID(mixture_.restore(get(value, "mixture")));
  TRY_VOID(pace_.restore(get(value, "pace")));
  votes_ = stored_count(value, "votes");
  bad_ = stored_count(value, "bad");
  alarm_at_ = stored_time(value, "alarm_ms");
  onset_ = stored_time(value, "onset_ms");
  first_bad_ = stored_time(value, "first_bad_ms");
  peak_ = alarm() ? TRY(stored_number(value, "peak")) : kNoEvidence;
  return {};
}

}  // namespace backout::decide
