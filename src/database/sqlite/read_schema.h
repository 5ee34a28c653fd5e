// Reads the schema of an open database into a value. Read-only; consistent when the caller has begun a transaction.
#pragma once
#include "database/sqlite/connection.h"
#include "schema/snapshot.h"

namespace backout::database {

Result<schema::Snapshot> read_schema(Connection& connection);

}  // namespace backout::database
