// Simulated streams of votes, for the tests and the bench. The seeds are printed by those who use them.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "decide/detector/e_detector.h"

namespace backout::decide::simulated {

/// SplitMix64 (Steele, Lea, Flood 2014): fast without optimisation, and the same numbers everywhere.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }
  /// In (0, 1).
  double uniform() { return (static_cast<double>(next() >> 11U) + 0.5) * 0x1p-53; }
  bool chance(double p) { return uniform() < p; }
  /// Good votes before the next bad one.
  int64_t gap(double p) {
    if (p >= 1) return 0;
    if (p <= 0) return 1'000'000'000'000'000;
    return static_cast<int64_t>(std::min(std::log(uniform()) / std::log1p(-p), 1e15));
  }
  int64_t binomial(int64_t n, double p) {
    int64_t hits = 0;
    for (int64_t at = gap(p); at < n; at += 1 + gap(p)) ++hits;
    return hits;
  }
  double normal() { return std::sqrt(-2 * std::log(uniform())) * std::cos(2 * 3.14159265358979323846 * uniform()); }
  /// Marsaglia and Tsang 2000.
  double gamma(double shape) {
    if (shape < 1) return gamma(shape + 1) * std::pow(uniform(), 1 / shape);
    const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
    for (;;) {
      const double x = normal(), v = std::pow(1 + c * x, 3);
      if (v > 0 && std::log(uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
    }
  }
  double beta(double a, double b) {
    const double x = gamma(a), y = gamma(b);
    return x / (x + y);
  }

 private:
  uint64_t state_;
};

/// The recursion of EDetector over votes one by one, with the good ones between two bad ones in closed form and without
/// logarithms: a thousand times faster, and the same (a test compares them).
class Quick {
 public:
  Quick(double p0, double threshold, std::span<const double> rates = kRates) : threshold_(threshold) {
    for (const double rate : rates) {
      if (rate <= 1.2 * p0) continue;
      bad_[count_] = rate / p0;
      good_[count_] = (1 - rate) / (1 - p0);
      limit_[count_] = good_[count_] / (1 - good_[count_]);
      powers_[count_].resize(kTable);
      double power = 1;
      for (double& each : powers_[count_]) each = std::exchange(power, power * good_[count_]);
      ++count_;
    }
  }
  /// Votes until the alarm of a stream that is bad with `before` for the first `change` votes, then with `after`; 0:
  /// none within `most`.
  int64_t votes(Random& random, double before, int64_t change, double after, int64_t most) const {
    std::array<double, std::size(kRates)> r{};
    int64_t at = 0;
    for (;;) {
      int64_t gap = random.gap(at < change ? before : after);
      if (at < change && at + gap >= change) gap = change - at + random.gap(after);  // without memory
      at += gap + 1;
      if (at > most) return 0;
      double sum = 0;
      for (size_t j = 0; j < count_; ++j) {
        const double power = gap < kTable ? powers_[j][static_cast<size_t>(gap)] : std::pow(good_[j], gap);
        r[j] = (1 + r[j] * power + limit_[j] * (1 - power)) * bad_[j];
        sum += r[j];
      }
      if (sum >= threshold_ * static_cast<double>(count_)) return at;
    }
  }

 private:
  static constexpr int64_t kTable = 4096;
  double threshold_;
  size_t count_ = 0;
  std::array<double, std::size(kRates)> bad_{}, good_{}, limit_{};
  std::array<std::vector<double>, std::size(kRates)> powers_;
};

struct Spread {
  double mean = 0, p99 = 0;
  int64_t missing = 0;
};
inline Spread spread_of(std::vector<double> values) {
  Spread spread;
  if (values.empty()) return spread;
  std::sort(values.begin(), values.end());
  for (const double value : values) spread.mean += value / static_cast<double>(values.size());
  spread.p99 = values[static_cast<size_t>(0.99 * static_cast<double>(values.size() - 1))];
  return spread;
}

inline WallTime second_of(int64_t second) { return wall_from_millis(1'700'000'000'000 + 1000 * second); }

}  // namespace backout::decide::simulated
