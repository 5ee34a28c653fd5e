// Rung: what has to be done with the database, by its kind: each compares its checkpoint with what is there now.
#pragma once
#include "base/json.h"
#include "model/site.h"
#include "schema/compare.h"

namespace backout::app {

/// `saved`: the driver's part of a checkpoint; `seen`: what its observe() returned.
/// `forced`: the rung that a person asks for; kRefused when it is not possible.
Result<schema::Comparison> decide_rung(const DatabaseConfig& database, const Json& saved, const Json& seen,
                                       const std::string& forced = "");

}  // namespace backout::app
