// Baseline: what is tolerated, from how the site was while it was well.
#pragma once
#include <map>
#include <span>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "model/observation.h"

namespace backout::decide {

/// Sizes of votes that are counted as one: 1 2 3 4 6 8 12 16 24 ..., rounded down.
int vote_size(int requests);

/// Counts of healthy times: the minutes before the deploy, or a watch that ended well (the journal keeps them). Votes
/// are put together by vote_size: the rate of one request comes out a little too high.
class Habits {
 public:
  /// The votes of one second.
  void add(std::span<const Votes> votes);
  void merge(const Habits& other);

  int64_t votes() const;
  int64_t bad() const;
  int64_t seconds() const { return seconds_; }  // in which there were votes
  std::vector<Votes> by_size() const;
  /// Var/Mean of bad votes a second, at least 1; thirty seconds of 4 are put to what was seen.
  double overdispersion() const;

  Json to_json() const;
  static Result<Habits> from_json(const Json& value);

 private:
  struct Count {
    int64_t good = 0, bad = 0;
  };
  std::map<int, Count> sizes_;
  int64_t seconds_ = 0;
  double bad_squares_ = 0;
};

struct Tolerance {
  double times = 2;                         // of the healthy rate: 2 is tolerant, 1 strict
  double more = 0.002;                      // above the healthy rate
  double confidence = 0.999;                // of the upper bound
  double at_least_usual = 0;                // the healthy rate is taken to be no lower than this (speeds: 5 %)
  double prior_votes = 300, prior_bad = 1;  // what is believed before anything was seen
};
inline constexpr Tolerance kTolerant{};
inline constexpr Tolerance kStrict{.times = 1};

/// Clopper-Pearson: the rate at which so few (so many) bad ones would be seen with a probability of 1 - confidence.
/// `votes` and `bad` need not be whole.
double upper_bound(double votes, double bad, double confidence);
double lower_bound(double votes, double bad, double confidence);

struct Tolerated {
  double usual = 0;      // p_hat: the healthy rate of one request
  double upper = 0;      // p_u
  double tolerated = 0;  // p0* = max(upper, times * usual, usual + more), below 1
};
/// From all that is known to be healthy. A part of it (a size of votes, one of the `habits`) that was worse than the
/// whole beyond doubt counts for the whole: what was so a minute ago is not the new release's fault.
Tolerated tolerated(std::span<const Habits> habits, const Tolerance& tolerance);

}  // namespace backout::decide
