// Collected: which facts a site's signals, checks and journal can know without a person. Pure.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "model/fact.h"

namespace backout::decide {

/// `signals`: the kinds of the site's signals ("access_log", "probe", "prometheus", ...).
std::set<FactId> collected_by(const std::vector<std::string>& signals, bool checks);

}  // namespace backout::decide
