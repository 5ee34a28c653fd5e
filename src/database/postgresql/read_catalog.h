// Reads the Catalog of the database that a connection is to.
#pragma once
#include "base/result.h"
#include "database/postgresql/connection.h"
#include "schema/postgresql/catalog.h"

namespace backout::postgresql {

/// In the caller's transaction if one is open, else in one of its own: REPEATABLE READ READ ONLY. Some twenty set-based
/// queries, none a table; reads system catalogues only, and waits for nobody. Needs no more than CONNECT.
Result<schema::postgresql::Catalog> read_catalog(Connection& connection);

}  // namespace backout::postgresql
