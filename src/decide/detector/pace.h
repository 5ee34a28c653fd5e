// Pace: how fast things come of late. Sums that fade by a factor e in half a minute, in the time of the events.
#pragma once
#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

namespace backout::decide {

class Pace {
 public:
  /// What came in the second `at`. A clock that went back loses nothing but precision.
  void add(WallTime at, double votes, double bad, double expected);
  double votes_per_second(WallTime now) const { return rate(votes_, now); }
  double bad_per_second(WallTime now) const { return rate(bad_, now); }
  double bad_share() const { return votes_ > 0 ? bad_ / votes_ : 0; }
  double expected_share() const { return votes_ > 0 ? expected_ / votes_ : 0; }

  Json to_json() const;
  Result<void> restore(const Json& value);

 private:
  double rate(double sum, WallTime now) const;
  double votes_ = 0, bad_ = 0, expected_ = 0;
  double seconds_ = 0;  // of which the sums are, faded as they are
  WallTime last_{};
};

}  // namespace backout::decide
