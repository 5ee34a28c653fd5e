// SignalJudge: one signal of a watch. It sorts what was seen (before the cutover: habits; after it: the new release's
// votes, and the old one's beside it), feeds the detectors second by second, and says what they are evidence of.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "decide/detector/all_clear.h"
#include "decide/detector/judge.h"
#include "decide/detector/lines.h"
#include "decide/detector/told.h"
#include "decide/detector/two_arm.h"
#include "decide/detector/witnesses.h"

namespace backout::decide {

class SignalJudge {
 public:
  /// `watched` outlives it. `share`: its part of alpha.
  SignalJudge(const Watched& watched, JudgedSignal signal, double share);

  void feed(const Seen& seen, WallTime now);
  void tell(std::vector<Evidence>& evidence, WallTime now) const;

  const Json& position() const { return position_; }
  const Habits& outcomes() const { return new_outcomes_; }
  const Habits& speeds() const { return new_speeds_; }
  std::vector<std::string> remarks() const;

  Json to_json() const;
  Result<void> restore(const Json& value);

 private:
  struct Second {
    std::vector<Votes> outcomes, speeds;
  };
  /// A detector with what it was made from.
  struct Measure {  // what is measured, with what part of alpha and against which rates
    double part;
    std::span<const double> rates;
    double at_least_usual;
  };
  static const Measure kOutcomes, kSpeeds;
  struct Tuned {
    double usual = 0, divide = 1;
    int64_t known = 0;  // healthy votes that this rests on
    EDetector detector;
  };
  double threshold(double part) const;
  void before(const Observation& observation);
  void second(WallTime at, const Second& newer, const Second& older);
  void outcomes(WallTime at, const std::vector<Votes>& votes);
  void occurrences(const Seen& seen, WallTime now);
  Tuned tuned(const Measure& measure, const std::optional<Habits>& history, const Habits& before) const;
  void tune(std::optional<Tuned>& held, const Measure& measure, const std::optional<Habits>& history,
            const Habits& before) const;
  Json to_json(const Tuned& tuned) const;
  Result<void> restore(std::optional<Tuned>& held, const Measure& measure, const Json& value) const;

  bool silent(WallTime now) const;
  std::string why_blind(WallTime now) const;
  Evidence of(const EDetector& detector, const char* measure, WallTime now) const;

  const Watched& watched_;
  JudgedSignal signal_;
  double share_;

  Habits before_outcomes_, before_speeds_, new_outcomes_, new_speeds_;
  WallTime before_from_{}, before_to_{};
  Told new_told_, old_told_;
  std::optional<Tuned> outcomes_, speeds_;
  std::optional<EDetector> down_;
  std::optional<AllClear> clear_;
  TwoArm compared_;
  Lines lines_;
  Witnesses witnesses_;
  int64_t requests_ = 0, failed_ = 0;
  Pace raw_;
  WallTime seen_at_{};  // on the judge's clock: when votes came last, or for a signal without votes, a look
  std::string blind_;
  Json position_;
};

}  // namespace backout::decide
