// EDetector: do more votes fail than is tolerated? One stream, one answer that may be asked after every batch.
//
// While no vote of m requests is bad with a probability above 1-(1-p0)^m, the probability that it ever alarms within T
// batches is at most T/c. That holds for failures that come together within a vote, for any traffic, and for a change
// at any time. The alarm stays. A vote is one client in one second: see docs/design/decide.md. No clock of its own, no
// effects; not thread-safe.
#pragma once
#include <span>

#include "decide/detector/mixture.h"
#include "decide/detector/pace.h"
#include "model/observation.h"

namespace backout::decide {

/// The rates that are looked for; those of at least 1.2 times what is tolerated are. For slowness, of which one vote in
/// twenty is usual, they stand closer.
inline constexpr double kRates[] = {0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 0.90};
inline constexpr double kSlowRates[] = {0.07, 0.10, 0.14, 0.20, 0.30, 0.50, 0.90};

/// The probability that a vote of `requests` requests is bad where each is with `p`: 1-(1-p)^requests.
double vote_rate(double p, int requests);
double decibels_of(double log_evidence);

struct Stakes {
  double threshold = 1.8e8;  // c = T / alpha: batches (or votes) that the watch may have, by the false alarms it may
  double divide = 1;         // Var/Mean of healthy bad counts, where clients cannot be told apart
};

class EDetector {
 public:
  /// `tolerated`: p0 of one request, 0..1. `rates` outlive it.
  EDetector(double tolerated, Stakes stakes, std::span<const double> rates = kRates);

  /// One batch: the votes of one second. A batch without votes is none.
  void update(std::span<const Votes> votes, WallTime at);

  bool alarm() const { return alarm_at_ != WallTime(); }
  WallTime alarm_at() const { return alarm_at_; }  // the second whose votes reached the threshold
  WallTime onset() const;                          // frozen at the alarm
  WallTime first_bad() const { return first_bad_; }
  double tolerated() const { return tolerated_; }
  double decibels() const;  // the highest that was reached, once there was an alarm
  double needed() const;
  int64_t votes() const { return votes_; }
  int64_t bad() const { return bad_; }
  bool can_alarm() const { return mixture_.alternatives(); }  // false: so much is tolerated that nothing stands out

  struct Forecast {
    int64_t votes = 0;  // 0: it cannot be told, or the alarm is there
    Millis time{0};
  };
  /// What is still needed if it goes on as in the last half minute.
  Forecast forecast(WallTime now) const;

  /// Another tolerance, because more became known of the time before: the evidence begins anew, counts and alarm stay.
  void retune(double tolerated, double divide);

  Json to_json() const;
  Result<void> restore(const Json& value);

 private:
  double tolerated_;
  Stakes stakes_;
  std::span<const double> rates_;
  Mixture mixture_;
  Pace pace_;
  int64_t votes_ = 0, bad_ = 0;
  WallTime alarm_at_{}, onset_{}, first_bad_{};
  double peak_ = kNoEvidence;
};

}  // namespace backout::decide
