// Enough: ends the looks of a phase when one of its steps has failed, because then no other look can change what comes
// next. Effects do not heed it: they come to their end. Thread-safe.
#pragma once
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "base/clock.h"

namespace backout::run {

/// In the evidence of an outcome: a look that was ended so, and says nothing about what it looked at.
inline constexpr const char* kEndedEarly = "ended_early";

class Enough {
 public:
  /// Looks that take no longer come to their own end: who reads the report wants to know of all that was bad.
  static constexpr Millis kGrace{500};

  /// `run`: what stops the run stops its looks, too. At once.
  explicit Enough(std::stop_token run, Millis grace = kGrace);
  Enough(const Enough&) = delete;
  Enough& operator=(const Enough&) = delete;

  /// `what` failed: "'check-health' on web-1". The first one counts.
  void failed(const std::string& what);
  /// For looks. Stops when the grace after failed() is over, and with the run.
  std::stop_token token() const { return looks_.get_token(); }
  /// What had failed; empty while nothing has.
  std::string because() const;

 private:
  const Millis grace_;
  mutable std::mutex mutex_;
  std::condition_variable_any over_;
  std::string because_;
  std::stop_source looks_;
  std::stop_callback<std::function<void()>> with_the_run_;
  std::jthread timer_;  // last: it uses the others
};

}  // namespace backout::run
