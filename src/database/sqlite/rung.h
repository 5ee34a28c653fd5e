// Which rung of the database ladder a run needs: from the schema that the checkpoint kept and the one that is there
// now. Pure.
#pragma once
#include "base/json.h"
#include "schema/compare.h"

namespace backout::database {

/// `saved`: this driver's part of the checkpoint. `seen`: what observe() returned.
/// kNotFound when the checkpoint has no part for the database, or there is no database; kCorrupt when it cannot be
/// read.
Result<schema::Comparison> decide_rung(const Json& saved, const Json& seen);

}  // namespace backout::database
