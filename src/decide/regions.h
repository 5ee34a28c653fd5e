// Regions: the values of a fact that no rule tells apart, cut where b.7's grid and the rules have their thresholds.
// What the grid walks over, and what "what if" tries. Pure.
#pragma once
#include <string>
#include <vector>

#include "model/rule.h"

namespace backout::decide {

struct Region {
  double least, most;
  bool with_least, with_most;
  double value;  // stands for all of it
  bool unknown = false;
  bool holds(double candidate) const {
    return (with_least ? candidate >= least : candidate > least) && (with_most ? candidate <= most : candidate < most);
  }
};

/// A threshold; `with`: it belongs to what is above it (">=", "<").
struct Cut {
  double at;
  bool above;
  auto operator<=>(const Cut&) const = default;
};

/// b.7's thresholds of a fact: none for those beside the axes.
std::vector<Cut> grid_cuts(FactId fact);
/// And those of a rule's conditions.
void add_cuts(const Predicate& predicate, std::vector<Cut>& cuts);
/// Ascending; levels and yes/no are regions of one value each.
std::vector<Region> regions_of(FactId fact, std::vector<Cut> cuts);
/// "over 50 %", "10 to 50 %", "sev2", "yes", "unknown".
std::string region_text(FactId fact, const Region& region);

}  // namespace backout::decide
