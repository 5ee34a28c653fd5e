#include "plan/order.h"

#include <algorithm>
#include <map>
#include <set>

namespace backout::plan {

Result<std::vector<Step>> ordered(std::vector<Step> steps) {
  std::map<StepId, const Step*> by_id;
  for (const Step& step : steps)
    if (!by_id.emplace(step.id, &step).second)
      return Error{Code::kInternal, "two steps are called '" + step.id.str() + "'", ""};
  for (const Step& step : steps)
    for (const StepId& need : step.needs) {
      const auto found = by_id.find(need);
      if (found == by_id.end())
        return Error{Code::kInternal,
                     "step '" + step.id.str() + "' needs '" + need.str() + "', which is not in the plan", ""};
      if (found->second->phase > step.phase)
        return Error{Code::kInternal, "step '" + step.id.str() + "' needs '" + need.str() + "', which comes later", ""};
    }

  std::vector<Step> sorted;
  std::set<StepId> placed;
  for (const Phase phase : kPhases) {
    std::vector<const Step*> waiting;
    for (const Step& step : steps)
      if (step.phase == phase) waiting.push_back(&step);
    while (!waiting.empty()) {
      const auto next = std::find_if(waiting.begin(), waiting.end(), [&](const Step* step) {
        return std::all_of(step->needs.begin(), step->needs.end(),
                           [&](const StepId& need) { return placed.contains(need); });
      });
      if (next == waiting.end())
        return Error{Code::kInternal, "the needs of step '" + waiting.front()->id.str() + "' form a circle", ""};
      placed.insert((*next)->id);
      sorted.push_back(**next);
      waiting.erase(next);
    }
  }
  return sorted;
}

}  // namespace backout::plan
