#include "decide/what_if.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "decide/assess.h"
#include "decide/regions.h"

namespace backout::decide {
namespace {

constexpr FactId kAlways[] = {FactId::kSeverity,       FactId::kUsers,       FactId::kData,     FactId::kAge,
                              FactId::kMigration,      FactId::kHotfix,      FactId::kFlag,     FactId::kExternal,
                              FactId::kTargetVerified, FactId::kTargetBad,   FactId::kFreeze,   FactId::kSecurityFix,
                              FactId::kSchemaFits,     FactId::kTargetYoung, FactId::kBackwards};

size_t distance(size_t from, size_t to) { return from > to ? from - to : to - from; }

std::string phrase(FactId fact, const Region& region) {
  const FactKind& kind = kind_of(fact);
  if (fact == FactId::kHotfix)
    return region.least >= kNever ? "no hotfix in sight" : "a hotfix " + region_text(fact, region);
  if (fact == FactId::kMigration) return "migration " + region_text(fact, region);
  if (kind.scale == FactScale::kYesNo) return fmt::format("{}: {}", kind.name, region.value > 0 ? "yes" : "no");
  return fmt::format("{} {}", kind.name, region_text(fact, region));
}

std::string told(FactId fact, const Region& region, const Outcome& then, const Outcome& now) {
  std::string text = phrase(fact, region) + ": " + std::string(words_of(then.verdict));
  if (then.verdict == now.verdict || then.approvals > 0)
    text += fmt::format(", {}", then.approvals == 0   ? "no approval"
                                : then.approvals == 1 ? "1 approval"
                                                      : fmt::format("{} approvals", then.approvals));
  return text;
}

}  // namespace

std::vector<Counterfactual> counterfactuals_of(const EvaluateInput& input, const Deliberation& judge,
                                               const Judgement& judgement) {
  std::map<FactId, std::vector<Cut>> cuts;
  for (const FactId fact : kAlways) cuts[fact] = grid_cuts(fact);
  for (const Rule* rule : judge.rules())
    for (const Predicate& predicate : rule->when) {
      auto [place, is_new] = cuts.try_emplace(predicate.fact);
      if (is_new) place->second = grid_cuts(predicate.fact);
      add_cuts(predicate, place->second);
    }
  // The break-even, rounded down to a whole second so that what is said holds.
  if (const double even = std::floor(judgement.harms.break_even / 1000) * 1000; even >= 1000)
    cuts[FactId::kHotfix].push_back({even, true});

  const Outcome now{judgement.verdict, judgement.approvals()};
  struct Found {
    size_t away;
    Counterfactual what;
  };
  std::vector<Found> found;
  Facts facts = input.facts;
  const Fact severity = facts[FactId::kSeverity];
  const bool concluded = severity.source == kConcluded;
  const bool alarm = judge.alarm() || input.facts[FactId::kErrorRate].source.starts_with("told");
  for (const auto& [fact, at] : cuts) {
    const std::optional<double> current = facts.value(fact);
    const std::vector<Region> regions = regions_of(fact, at);
    size_t here = 0;
    for (size_t index = 0; index < regions.size(); ++index)
      if (current && regions[index].holds(*current)) here = index;
    const Fact kept = facts[fact];
    std::map<std::pair<Verdict, int>, Found> nearest;
    for (size_t index = 0; index < regions.size(); ++index) {
      const Region& region = regions[index];
      if (kept.value && region.holds(*kept.value)) continue;
      facts.set(fact, Fact{.value = region.value, .source = {}, .at = {}, .confidence = 1, .detail = {}});
      if (concluded && fact != FactId::kSeverity) {
        const auto again = severity_of(facts, alarm || fact == FactId::kErrorRate, input.policies);
        facts.set(FactId::kSeverity, Fact{.value = again, .source = {}, .at = {}, .confidence = 1, .detail = {}});
      }
      const Judgement other = judge.judge(facts);
      const Outcome then{other.verdict, other.approvals()};
      if (then == now) continue;
      const size_t away = distance(here, index);
      const auto [place, is_new] = nearest.try_emplace({then.verdict, then.approvals});
      if (is_new || away < place->second.away)
        place->second = {away, {fact, region.value, then.verdict, then.approvals, told(fact, region, then, now)}};
    }
    facts.set(fact, kept);
    facts.set(FactId::kSeverity, severity);
    for (auto& [outcome, one] : nearest) found.push_back(std::move(one));
  }
  // Another verdict says more than other approvals; then what is nearest; then the order of the facts.
  std::stable_sort(found.begin(), found.end(), [&](const Found& a, const Found& b) {
    const bool other_a = a.what.verdict != now.verdict, other_b = b.what.verdict != now.verdict;
    if (other_a != other_b) return other_a;
    return a.away < b.away;
  });
  std::vector<Counterfactual> all;
  for (Found& one : found) all.push_back(std::move(one.what));
  return all;
}

}  // namespace backout::decide
