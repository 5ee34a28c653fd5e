// Latency: a histogram of durations, and the bound above which the slowest twentieth lies.
//
// Eight buckets to a doubling, from 16 microseconds to a week: a bound is at most 12.5 % above the duration it stands
// for. Slower than the bound means: in a higher bucket, so that of what was put in at most 5 % is slower.
#pragma once
#include <array>
#include <bit>
#include <cstdint>

#include "base/json.h"

namespace backout::watch {

class Latency {
 public:
  static constexpr int kBuckets = 256;
  /// Of fewer requests no bound is taken.
  static constexpr int64_t kFewest = 100;

  static int bucket_of(int64_t micros) {
    const auto value = static_cast<uint64_t>(micros < 0 ? 0 : micros);
    if (value < 16) return 0;
    const int doubling = 63 - std::countl_zero(value);  // at least 4
    const int bucket = (doubling - 4) * 8 + static_cast<int>(value >> (doubling - 3) & 7U) + 1;
    return bucket < kBuckets ? bucket : kBuckets - 1;
  }
  void add(int64_t micros) {
    ++counts_[static_cast<size_t>(bucket_of(micros))];
    ++total_;
  }
  int64_t total() const { return total_; }
  /// The bucket above which at most 5 % lie, or -1 while there are too few.
  int bound() const;

  /// [[bucket, count], ...]; what does not fit is left out.
  Json to_json() const;
  static Latency from_json(const Json& value);

 private:
  std::array<uint32_t, kBuckets> counts_{};
  int64_t total_ = 0;
};

}  // namespace backout::watch
