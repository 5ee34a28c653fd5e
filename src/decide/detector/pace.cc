#include "decide/detector/pace.h"

#include <algorithm>
#include <cmath>

#include "decide/detector/stored.h"

namespace backout::decide {
namespace {

constexpr double kFades = 30;  // seconds until a sum is an e-th of itself

double seconds_between(WallTime from, WallTime to) {
  return std::max(0.0, std::chrono::duration<double>(to - from).count());
}

}  // namespace

void Pace::add(WallTime at, double votes, double bad, double expected) {
  if (last_ == WallTime()) {
    seconds_ = 1;
  } else {
    const double gap = seconds_between(last_, at), kept = std::exp(-gap / kFades);
    for (double* sum : {&votes_, &bad_, &expected_}) *sum *= kept;
    seconds_ = seconds_ * kept + kFades * (1 - kept);
  }
  last_ = at;
  votes_ += votes;
  bad_ += bad;
  expected_ += expected;
}

double Pace::rate(double sum, WallTime now) const {
  if (last_ == WallTime()) return 0;
  const double kept = std::exp(-seconds_between(last_, now) / kFades);
  return sum * kept / std::max(1.0, seconds_ * kept + kFades * (1 - kept));
}

Json Pace::to_json() const {
  return {
      {"votes", votes_}, {"bad", bad_}, {"expected", expected_}, {"seconds", seconds_}, {"last_ms", to_millis(last_)}};
}

Result<void> Pace::restore(const Json& value) {
  Pace pace;
  pace.votes_ = TRY(stored_number(value, "votes"));
  pace.bad_ = TRY(stored_number(value, "bad"));
  pace.expected_ = TRY(stored_number(value, "expected"));
  pace.seconds_ = TRY(stored_number(value, "seconds"));
  pace.last_ = stored_time(value, "last_ms");
  *this = pace;
  return {};
}

}  // namespace backout::decide
