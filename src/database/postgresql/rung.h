// rung: what a rollback has to do with the database, from the checkpoint's catalogue and the one there is now. Pure.
#pragma once
#include "base/json.h"
#include "schema/compare.h"

namespace backout::postgresql {

/// `saved`: the driver's part of a checkpoint; `seen`: what observe() returned. kNotFound: the checkpoint has no
/// catalogue, or there is no database.
Result<schema::Comparison> decide_rung(const Json& saved, const Json& seen);

/// What observe() calls schema_hash, of a checkpoint.
Result<std::string> schema_hash_of(const Json& saved);

}  // namespace backout::postgresql
