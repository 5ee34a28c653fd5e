// Mixture: Shiryaev-Roberts evidence that an event has become more likely, over several odds ratios at once.
//
// For each ratio r the alternative is "the odds of a bad vote are r times those tolerated". With p tolerated, a bad
// vote weighs ln r - ln(1 + (r-1) p), a good one -ln(1 + (r-1) p). A batch multiplies every R_j + 1 by its likelihood
// ratio; the evidence is the mean of the R_j. While every vote is bad with a probability of at most its p, R minus the
// number of batches is a supermartingale, so P(R ever reaches c within N batches) <= N / c (Doob), however many votes a
// batch has and whatever their sizes. In the logarithm throughout: neither a billion votes nor 1e300 overflow.
#pragma once
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

namespace backout::decide {

/// ln of "nothing": what is below does not differ from it (1 + e^-700 is 1).
inline constexpr double kNoEvidence = -700;

class Mixture {
 public:
  /// Odds ratios, each above 1; all equally likely beforehand. None: there is never evidence.
  explicit Mixture(std::vector<double> ratios);

  /// Adds votes to the batch that is open. `p`: the highest probability of a bad one that is tolerated, 0..1.
  void weigh(double p, int64_t good, int64_t bad);
  /// Ends the batch, whose votes are of the second `at`; `divide` >= 1 weakens what it says (overdispersion).
  void close(WallTime at, double divide = 1);

  double log_evidence() const;  // ln of the mean R
  /// The second in which the walk of the likeliest alternative left its last minimum; the epoch: it is at its minimum.
  WallTime onset() const;
  /// Votes of which the share `bad` is bad where `p` is tolerated, until ln R reaches `log_threshold`; 0: never.
  double votes_until(double log_threshold, double p, double bad, double divide = 1) const;

  bool alternatives() const { return !ratios_.empty(); }
  Json to_json() const;
  /// The state of a mixture over the same ratios; kCorrupt when it is of others.
  Result<void> restore(const Json& value);

 private:
  struct State {
    double log_r = kNoEvidence;
    double walk = 0;  // sum of the likelihood ratio above its last minimum
    WallTime since{};
    double open = 0;  // the batch that is not closed yet; never stored
  };
  std::vector<double> ratios_, logs_;
  std::vector<State> states_;
};

}  // namespace backout::decide
