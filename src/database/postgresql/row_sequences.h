// Ids are never given twice: each sequence of the target goes as far as the live one, or its highest id, has gone.
#pragma once
#include "base/json.h"
#include "database/postgresql/connection.h"

namespace backout::postgresql {

/// {"orders_id_seq": 4711}: those that had to move, and what they stand at now. By name, else by the column they
/// belong to; in the direction of their increment. setval is not undone by a rollback, so it may be called at any time
/// and again.
Result<Json> raise_sequences(Connection& live, Connection& target);

}  // namespace backout::postgresql
