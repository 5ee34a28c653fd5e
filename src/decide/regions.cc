#include "decide/regions.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/text.h"

namespace backout::decide {
namespace {

constexpr double kEndless = std::numeric_limits<double>::infinity();
constexpr double kMinuteMs = 60'000, kHourMs = 60 * kMinuteMs;

bool has_names(FactId fact) {
  const FactScale scale = kind_of(fact).scale;
  return scale == FactScale::kLevels || scale == FactScale::kYesNo;
}

double greatest(FactId fact) {
  const FactKind& kind = kind_of(fact);
  if (kind.scale == FactScale::kPercent) return 100;
  if (kind.scale == FactScale::kLevels) return static_cast<double>(split(kind.levels, '|').size() - 1);
  return kind.scale == FactScale::kYesNo ? 1 : kEndless;
}

double middle(const Region& region) {
  if (region.least == region.most) return region.least;
  if (region.most == kEndless) return region.least > 0 ? region.least * 2 : 1;
  return (region.least + region.most) / 2;
}

}  // namespace

std::vector<Cut> grid_cuts(FactId fact) {
  if (fact == FactId::kUsers) return {{1, true}, {10, true}, {50, false}};
  if (fact == FactId::kAge) return {{kHourMs / 2, true}, {4 * kHourMs, true}, {24 * kHourMs, false}};
  if (fact == FactId::kHotfix) return {{15 * kMinuteMs, true}, {60 * kMinuteMs, false}, {kNever, true}};
  return {};
}

void add_cuts(const Predicate& predicate, std::vector<Cut>& cuts) {
  for (const ValueRange& range : predicate.ranges) {
    if (range.least > 0 || !range.with_least) cuts.push_back({range.least, range.with_least});
    if (range.most < kEndless) cuts.push_back({range.most, !range.with_most});
  }
}

std::vector<Region> regions_of(FactId fact, std::vector<Cut> cuts) {
  std::vector<Region> regions;
  const double most = greatest(fact);
  if (has_names(fact)) {
    for (double value = 0; value <= most; ++value) regions.push_back({value, value, true, true, value});
    return regions;
  }
  // At one value what belongs to it is cut off below first, then above.
  std::sort(cuts.begin(), cuts.end(),
            [](const Cut& a, const Cut& b) { return a.at != b.at ? a.at < b.at : a.above && !b.above; });
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  Region region{0, most, true, true, 0};
  for (const Cut& cut : cuts) {
    if (cut.at > most || (cut.at == most && !cut.above)) continue;
    if (cut.at == 0 && cut.above) continue;
    region.most = cut.at;
    region.with_most = !cut.above;
    region.value = middle(region);
    regions.push_back(region);
    region = {cut.at, most, cut.above, true, 0};
  }
  region.value = region.least >= kNever ? kNever : middle(region);
  regions.push_back(region);
  return regions;
}

std::string region_text(FactId fact, const Region& region) {
  if (region.unknown) return "unknown";
  const bool from_zero = region.least <= 0 && region.with_least;
  if (has_names(fact) || region.least == region.most || region.least >= kNever)
    return fact_value_text(fact, region.value);
  const std::string least = fact_value_text(fact, region.least);
  if (region.most == greatest(fact) || region.most >= kNever) {
    if (from_zero) return "any";
    return fmt::format("{} {}", region.with_least ? "from" : "over", least);
  }
  const std::string most = fact_value_text(fact, region.most);
  if (from_zero) return fmt::format("{} {}", region.with_most ? "up to" : "under", most);
  return fmt::format("{} to {}", least, most);
}

}  // namespace backout::decide
