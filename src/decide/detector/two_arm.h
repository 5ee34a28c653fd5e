// TwoArm: does the new release fail more often than the old one that serves beside it? No baseline is needed, and what
// fails for both (a dependency) cancels out.
//
// Only bad votes count. Were both as good, a bad vote would be the new release's with the probability of its share of
// the votes of that second. Two integers a second, for each size of vote. Seconds in which only one of the two was
// asked are put together with the next ones, until both were: a canary with one request in ten seconds is judged too.
#pragma once
#include <map>

#include "decide/detector/mixture.h"
#include "model/observation.h"

namespace backout::decide {

/// How many times the odds of failing are looked for.
inline constexpr double kRatios[] = {2, 4, 8, 16, 32};

class TwoArm {
 public:
  explicit TwoArm(double threshold);

  void update(std::span<const Votes> newer, std::span<const Votes> older, WallTime at);

  bool alarm() const { return alarm_at_ != WallTime(); }
  WallTime alarm_at() const { return alarm_at_; }
  WallTime onset() const;
  WallTime first_bad() const { return first_bad_; }
  double decibels() const;
  double needed() const;
  struct Arms {
    int64_t votes = 0, bad = 0;
  };
  const Arms& newer() const { return newer_; }
  const Arms& older() const { return older_; }
  bool comparable() const { return newer_.votes > 0 && older_.votes > 0; }

  Json to_json() const;
  Result<void> restore(const Json& value);

 private:
  struct Open {  // votes of one size that wait for the other arm
    Arms newer, older;
    WallTime since{};
  };
  double threshold_;
  Mixture mixture_;
  Arms newer_, older_;
  std::map<int, Open> open_;
  WallTime alarm_at_{}, onset_{}, first_bad_{};
  double peak_ = kNoEvidence;
};

}  // namespace backout::decide
