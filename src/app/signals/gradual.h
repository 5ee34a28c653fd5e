// Gradual: while a shift of traffic takes its steps, the signals of the site judge the release that gets more of it.
// The pool's own health says nothing about what its users meet.
//
// Driver "signals", of looks alone:
//   judge   look   {release, before, before_was_well, hold_ms, signals: [NAME], beside: {driver, verb, args}}: for
//                  hold_ms the detector has nothing against `release`, every signal that counts requests saw enough of
//                  it, and the look `beside` holds all the while. What is against it ends it at once; too little seen,
//                  and a signal that was blind for longer than a moment, are never good
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "app/site/subject.h"
#include "base/clock.h"
#include "driver/driver.h"

namespace backout::app {

/// Each look at the pool between two steps becomes one in which the signals judge, too. On the way back only signals
/// that know which release answered are asked: the others would tell what the bad one does. Without any, it stays.
void add_judging(const Site& site, const Journey& journey, std::vector<Step>& steps);

/// So many votes at least for a release that may get more: of one that fails one request in seven, twenty show no
/// failure in one case of twenty.
inline constexpr int64_t kEnoughVotes = 20;
/// So many in `hold`: kEnoughVotes, or half of what a signal can have that asks by itself, by its own pace.
int64_t enough_votes(const SignalConfig& signal, Millis hold);
/// Why what the signals saw of `release` is too little to call it good; empty: it is enough. `enough`: by the name of
/// each signal that counts requests. No signal makes up for another: it may be the only one on its part of the site.
std::string too_little(const std::string& release, Millis hold, const std::vector<Evidence>& evidence,
                       const std::map<std::string, int64_t>& enough);

/// For how long a signal was blind. A moment is let pass, when it sees again: a log is read from where it was left, and
/// too few votes are found out. What is longer, or was not over at the last look, is no success.
class Blindness {
 public:
  static constexpr Millis kMoment{3'000};            // in all: a log that is made anew, an answer that came late
  void heard(const std::string& why, BootTime now);  // empty: it sees
  std::string amiss() const;                         // "for 5 s: why"; empty: nothing, or a moment

 private:
  Millis sum_{0};
  BootTime last_{0};
  bool is_blind_ = false;
  std::string why_;
};

/// `workspace` outlives it.
std::unique_ptr<driver::Driver> make_signals_driver(const Workspace& workspace);

}  // namespace backout::app
