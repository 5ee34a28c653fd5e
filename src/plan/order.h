// Order: one valid sequence for steps that drivers offered one by one. Pure.
#pragma once
#include <vector>

#include "base/result.h"
#include "model/step.h"

namespace backout::plan {

/// Sorts by phase, within a phase by needs, otherwise as given. kInternal naming the steps when two share an id, when a
/// need names no step or one of a later phase, or when needs form a circle: a driver offered nonsense, and nothing may
/// run.
Result<std::vector<Step>> ordered(std::vector<Step> steps);

/// Whether `step` may begin: every step of an earlier phase is done and every need is done. `done` tells by id.
template <class Done>
bool is_ready(const Step& step, const std::vector<Step>& steps, const Done& done) {
  for (const Step& other : steps)
    if (other.phase < step.phase && !done(other.id)) return false;
  for (const StepId& need : step.needs)
    if (!done(need)) return false;
  return true;
}

}  // namespace backout::plan
