// Judge: all signals of one watch, judged together. It is fed what each signal has seen and says at any instant what
// that is evidence of, signal by signal and measure by measure:
//   outcomes     votes that failed, against what was usual            (alarm, clear)
//   speeds       votes slower than the old release's p95              (alarm)
//   compared     failed votes of the new release against the old one that serves beside it  (alarm)
//   lines        seconds with an error line, against what was usual   (alarm)
//   down         nearly every vote fails; only together with an alarm of outcomes           (alarm)
//   occurrences  what counts by itself, by the rules of witnesses.h   (alarm)
// On a healthy release the probability that any of outcomes, speeds, compared and lines alarms within the watch is at
// most `alpha`: it is split over the signals, then over the measures. (occurrences are rules, without such a bound.)
//
// The whole state goes to JSON and back, bit for bit, and holds the positions of the sources, so that one document is
// one instant: another process may take the next look, and a kill loses at most the look that was not stored.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "decide/detector/baseline.h"
#include "model/evidence.h"
#include "model/observation.h"

namespace backout::decide {

struct JudgedSignal {
  std::string name;
  bool votes = true;    // whether it sees requests; false: silence means nothing (alerts, reports, logs)
  bool clients = true;  // whether its votes are clients; false: single requests, and bursts are weighed less
  Millis every{0};      // how often it is asked at most; blind after three times as long, if that is longer
  Tolerance tolerance{};
  std::optional<Habits> outcomes, speeds;  // of healthy watches, from the journal
};

struct Watched {
  std::string current, before;
  WallTime cutover{};
  Millis span = std::chrono::minutes(30);  // of the whole watch; the bound grows with it if it goes on for longer
  double alpha = 1e-3;                     // false alarms of the whole watch
  // Blind when nothing was seen for so long; longer where `every` says so, and where the site had so few votes before
  // that silence is likely, ten minutes at most.
  Millis blind_after = std::chrono::minutes(1);
  bool before_was_well = true;  // whether the time before the cutover is a measure of health
  std::vector<JudgedSignal> signals;
};

class SignalJudge;

class Judge {
 public:
  explicit Judge(Watched watched);
  ~Judge();
  Judge(Judge&&) noexcept;
  Judge& operator=(Judge&&) noexcept;

  /// What a signal has seen since its last look. `now`: when it was asked. Signals that are not watched: kInvalid.
  Result<void> feed(const std::string& signal, const Seen& seen, WallTime now);
  /// At least one for every signal, in the order of the signals. `votes` are requests' votes only: lines and
  /// occurrences have none, so that nobody takes a share of them for a rate of errors.
  std::vector<Evidence> evidence(WallTime now) const;

  /// Where the next look begins; null: it is the first.
  const Json& position(const std::string& signal) const;
  /// What the new release's votes were so far: what a watch that ends well leaves to the next ones.
  Habits outcomes_of(const std::string& signal) const;
  Habits speeds_of(const std::string& signal) const;
  /// What was left out: seconds told twice, clocks that jumped.
  std::vector<std::string> remarks(const std::string& signal) const;

  Json to_json() const;
  /// Signals that the document does not know begin anew; those that are not watched any more are dropped.
  static Result<Judge> from_json(Watched watched, const Json& value);

 private:
  std::unique_ptr<const Watched> watched_;  // the signals point to it
  std::map<std::string, std::unique_ptr<SignalJudge>> signals_;
};

}  // namespace backout::decide
