// What if: one fact changed, everything else as it is. Only changes that really change the verdict are told.
#pragma once
#include <vector>

#include "decide/deliberation.h"

namespace backout::decide {

/// A severity that was concluded from the other facts is concluded again. At most one for each fact and verdict, the
/// nearest change first.
std::vector<Counterfactual> counterfactuals_of(const EvaluateInput& input, const Deliberation& judge,
                                               const Judgement& judgement);

}  // namespace backout::decide
