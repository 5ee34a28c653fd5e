// Attribution: is it the release at all? Bayes over when the trouble began, and over what else happened. Pure.
//
// Prior odds are 0.68 to 0.32 (pushes of code and configuration cause 37 % + 31 % of outages). A release that is the
// cause shows it soon: the density of its onset is exponential with a mean of 10 minutes, with a twentieth of it spread
// over a day for what starts late (leaks, caches that run out). Without one, an incident comes every 30 days.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"

namespace backout::decide {

struct OtherDeploy {
  std::string what;  // "payments v12"
  WallTime at{};
  bool dependency = true;  // this site calls it
};

struct AttributionInput {
  WallTime cutover{};
  WallTime onset{};                      // epoch: unknown, then nothing is concluded from it
  int64_t new_votes = 0, new_bad = 0;    // of the release, since the cutover
  int64_t old_votes = 0, old_bad = 0;    // of the old one in the same seconds; 0: it does not serve
  bool dependency_alert_before = false;  // an alert of a dependency before the onset
  std::string dependency;                // which
  std::vector<OtherDeploy> others;
  bool elevated_before = false;  // as bad before the deploy
  std::optional<bool> external;  // a person's word: an external service is at fault, or is not
};

struct Attribution {
  double posterior = 0.68;  // that it is the release, 0..1; without anything known, the prior
  std::string suspect;      // the strongest other one; empty: none to speak of
  double suspect_share = 0;
  std::vector<std::string> steps;  // "onset 14 s after the cutover: x4,200"
};

Attribution attribute(const AttributionInput& input);

}  // namespace backout::decide
