// Recorded: all that a verdict was given from, as the journal keeps it with the verdict: so that the same can be asked
// again, of today's policies. Pure.
#pragma once
#include <string>

#include "base/json.h"
#include "decide/assess.h"
#include "decide/evaluate.h"

namespace backout::decide {

struct Recorded {
  std::string site;
  AssessInput seen;
  Costs costs;
};

Json to_json(const Recorded& recorded);
/// What is absent is as it would be if nobody knew it. kCorrupt: evidence or an occurrence that is none.
Result<Recorded> recorded_from_json(const Json& value);

/// Assess, then evaluate.
struct Judged {
  Decision decision;
  std::vector<std::string> refused;  // answers that are none
};
Judged decide(const Recorded& recorded, const Policies& policies);

}  // namespace backout::decide
