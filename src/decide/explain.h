// Explain: a decision in words. Pure: lines, without colours. docs of the screens: `backout decide`.
#pragma once
#include <string>
#include <vector>

#include "model/verdict.h"

namespace backout::decide {

/// One screen: the verdict first, then seen, cause, way back, cost, what would change it, what to type next.
std::vector<std::string> explained(const Decision& decision);
/// Everything: each step, each fact with its source, each rule and why it did not hold.
std::vector<std::string> explained_fully(const Decision& decision);

}  // namespace backout::decide
