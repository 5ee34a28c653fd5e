// Reads what migrators have noted in a database: which tool, what is applied, and whether it is stuck.
#pragma once
#include "database/postgresql/connection.h"
#include "schema/postgresql/migrators.h"

namespace backout::postgresql {

/// Sorted by table. Tools that schema/postgresql/migrators.h does not know are not seen.
Result<std::vector<schema::postgresql::Migrations>> read_migrations(Connection& connection);

}  // namespace backout::postgresql
