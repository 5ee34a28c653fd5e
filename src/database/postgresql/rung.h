// rung: what a rollback has to do with the database, from the checkpoint's catalogue and the one there is now. Pure.
#pragma once
#include <string>

#include "base/json.h"
#include "schema/compare.h"

namespace backout::postgresql {

/// `saved`: the driver's part of a checkpoint; `seen`: what observe() returned. kNotFound: the checkpoint has no
/// catalogue, or there is no database.
/// `forced`: the rung that a person asks for; kRefused, with the reason, when it is not possible. Empty: the lowest.
Result<schema::Comparison> decide_rung(const Json& saved, const Json& seen, const std::string& forced = "");

/// What observe() calls schema_hash, of a checkpoint.
Result<std::string> schema_hash_of(const Json& saved);

}  // namespace backout::postgresql
