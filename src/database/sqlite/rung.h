// Which rung of the database ladder a run needs: from the schema that the checkpoint kept and the one that is there
// now. Pure.
#pragma once
#include <string>

#include "base/json.h"
#include "schema/compare.h"

namespace backout::database {

/// `saved`: this driver's part of the checkpoint. `seen`: what observe() returned.
/// kNotFound when the checkpoint has no part for the database, or there is no database; kCorrupt when it cannot be
/// read.
/// `forced`: the rung that a person asks for; kRefused when it is not possible.
Result<schema::Comparison> decide_rung(const Json& saved, const Json& seen, const std::string& forced = "");

}  // namespace backout::database
