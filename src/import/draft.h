// Draft: what was placed, as the text of a backout.yaml that has no error in it; what it does not hold as a value, it
// holds as a comment with its line. Pure.
#pragma once
#include <string>

#include "import/item.h"
#include "import/place.h"

namespace backout::import {

struct Titled {
  std::string file, site;
};
std::string draft_of(const Runbook& runbook, const Placing& placing, const Titled& titled);

/// The second half of it: every item with its line, by what became of it. Lines of at most about 110 characters.
std::string ledger_of(const Runbook& runbook, const Placing& placing);

}  // namespace backout::import
