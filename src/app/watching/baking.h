// Baking: a release becomes known-good when looks at it have held for long enough, one after the other.
//
// Only time between two looks that held counts, and at most a quarter of the bake time of each such stretch: a machine
// that was off, or a timer that did not come, has seen nothing. A look that fails begins it anew; one that cannot be
// taken stops it until the next that holds. No data is never good.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "app/site/workspace.h"
#include "app/watching/checking.h"
#include "model/evidence.h"

namespace backout::app {

struct Baking {
  bool promoted = false;
  std::string says;  // "v2 has baked for 3 h of 24 h ...", for people; empty: nothing bakes
};

/// Takes the looks at what serves into account and records what they come to. A release that passed is marked
/// known-good.
/// `evidence`: what signals say by now; an alarm is a look that fails, and a blind signal one that could not be taken.
Result<Baking> bake(const Workspace& workspace, Checked checked, const std::vector<Evidence>& evidence = {});

/// How far `release` is, in words; empty when it does not bake. `needed`: watch.bake.
std::string bake_words(const Release& release, Millis needed);

}  // namespace backout::app
