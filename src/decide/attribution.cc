#include "decide/attribution.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "model/fact.h"

namespace backout::decide {
namespace {

constexpr double kPriorRelease = 0.68, kPriorOther = 0.32;
constexpr double kReleaseRate = 1.0 / 10;                 // a minute
constexpr double kLateShare = 0.05, kLateSpan = 24 * 60;  // minutes
constexpr double kBackgroundRate = 1.0 / (30 * 24 * 60);  // a minute
constexpr double kSkew = 20, kMostSkew = 1e6, kSameOnBoth = 0.05;
constexpr double kDependencyAlert = 0.1, kElevated = 0.05, kToldExternal = 0.01, kToldRelease = 10;
constexpr double kUnrelated = 0.25;  // another deploy, of something that this site does not call
constexpr double kSuspectToSpeakOf = 0.01;
constexpr double kClockSlack = 5.0 / 60;  // minutes by which clocks of two machines may differ

double minutes(Millis span) { return static_cast<double>(span.count()) / 60'000; }

/// The density of the onset `after` minutes after a push that caused it.
double density(double after) {
  if (after < 0) return 0;
  const double late = after <= kLateSpan ? kLateShare / kLateSpan : 0;
  return (1 - kLateShare) * kReleaseRate * std::exp(-kReleaseRate * after) + late;
}

std::string factor_text(double factor) {
  if (factor >= 1000) return fmt::format("x{:.0f}", factor);
  if (factor >= 1) return fmt::format("x{:.3g}", factor);
  return fmt::format("x{:.2g}", factor);
}

/// Errors only on the new release, or equal on both; 1 when nothing can be told.
double skew_of(const AttributionInput& input, std::string& words) {
  if (input.old_votes <= 0 || input.new_votes <= 0 || input.new_bad <= 0) return 1;
  const double new_rate = static_cast<double>(input.new_bad) / static_cast<double>(input.new_votes);
  const double old_rate = static_cast<double>(input.old_bad) / static_cast<double>(input.old_votes);
  // Were it not the release, each bad vote would fall on the new one as often as any vote does.
  const double share = static_cast<double>(input.new_votes) / static_cast<double>(input.new_votes + input.old_votes);
  const double both = static_cast<double>(input.new_bad + input.old_bad);
  const double expected = share * both, spread = std::sqrt(std::max(share * (1 - share) * both, 1e-12));
  if (static_cast<double>(input.new_bad) > expected + 3 * spread && new_rate > 4 * old_rate) {
    const double by_chance = -static_cast<double>(input.new_bad) * std::log(std::max(share, 1e-9)) / 2;
    words = fmt::format("errors on the new release ({} of {}), hardly on the old one beside it ({} of {})",
                        input.new_bad, input.new_votes, input.old_bad, input.old_votes);
    return std::clamp(std::exp(std::min(by_chance, 14.0)), kSkew, kMostSkew);
  }
  if (input.old_bad >= 3 && new_rate < 2 * old_rate) {
    words = fmt::format("as many errors on the old release beside it ({} of {})", input.old_bad, input.old_votes);
    return std::max(std::min(kSameOnBoth, std::exp(-static_cast<double>(input.old_bad) / 4)), 1 / kMostSkew);
  }
  return 1;
}

}  // namespace

Attribution attribute(const AttributionInput& input) {
  Attribution result;
  double release = kPriorRelease, background = kPriorOther;
  std::vector<std::pair<double, std::string>> others;
  const auto times = [&](double factor, std::string_view why) {
    release *= factor;
    result.steps.push_back(fmt::format("{}: {}", why, factor_text(factor)));
  };
  result.steps.push_back(fmt::format("prior: {} to {}", kPriorRelease, kPriorOther));
  const bool dated = input.onset != WallTime() && input.cutover != WallTime();
  bool elevated = input.elevated_before;
  if (dated) {
    double after = minutes(input.onset - input.cutover);
    if (after < 0 && after >= -kClockSlack) after = 0;
    if (after < 0) {
      elevated = true;
    } else {
      times(density(after) / kBackgroundRate,
            fmt::format(
                "began {} after the cutover",
                fact_value_text(FactId::kTroubleFor, static_cast<double>((input.onset - input.cutover).count()))));
    }
    for (const OtherDeploy& other : input.others) {
      const double since = minutes(input.onset - other.at);
      const double weight = kPriorRelease * density(since) / kBackgroundRate * (other.dependency ? 1 : kUnrelated);
      others.emplace_back(weight, shortened(one_line(other.what), 100));
    }
  }
  if (elevated) times(kElevated, "as bad before the deploy");
  std::string words;
  if (const double skew = skew_of(input, words); skew != 1) times(skew, words);
  std::string blamed = "something else, about once in 30 days";
  if (input.dependency_alert_before) {
    const std::string what = shortened(one_line(input.dependency), 100);
    times(kDependencyAlert, fmt::format("an alert of {} before it began", what.empty() ? "a dependency" : what));
    blamed = what.empty() ? "a dependency" : what;
  }
  if (input.external) {
    times(*input.external ? kToldExternal : kToldRelease,
          *input.external ? "told: an external service is at fault" : "told: no external service is at fault");
    if (*input.external) blamed = "an external service";
  }
  std::sort(others.begin(), others.end(),
            [](const auto& a, const auto& b) { return a.first != b.first ? a.first > b.first : a.second < b.second; });
  double sum = release + background;
  for (const auto& [weight, what] : others) {
    sum += weight;
    result.steps.push_back(fmt::format("also deployed: {}: {:.3g} against {:.3g}", what, weight, release));
  }
  result.posterior = release / sum;
  double most = background / sum;
  result.suspect = blamed;
  if (!others.empty() && others.front().first > background) {
    most = others.front().first / sum;
    result.suspect = others.front().second;
  }
  result.suspect_share = most;
  if (most < kSuspectToSpeakOf) result.suspect.clear();
  return result;
}

}  // namespace backout::decide
