// observe: what there is of a PostgreSQL database, and what our role may do with it. Changes nothing.
#pragma once
#include "base/json.h"
#include "base/result.h"

namespace backout::postgresql {

/// Arguments: server, database (empty: the one that the server's connection string names), maintenance, and `against`:
/// a checkpoint's part, whose code is weighed against what is there now ("comparison"), with `migrations` and `rung`
/// also whether its migrations can be undone ("downs"). {"exists": false, "database"} or exists, database,
/// server_version, size, schema, schema_hash, sessions: {user: count}, role:
/// {name, superuser, may_create, may_rename, may_end, may_not_read: at most 5 names, filtered: tables, untrusted:
/// extensions}, state_directory_inside.
Result<Json> observe(const Json& args);

/// The catalogue and its hash as checkpoints keep them: {"schema", "schema_hash"}.
class Connection;
Result<Json> schema_of(Connection& connection);

}  // namespace backout::postgresql
