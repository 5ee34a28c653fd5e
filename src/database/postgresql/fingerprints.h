// Fingerprints: sixteen bytes of each row of a checkpoint - a hash of its key and one of all its values - beside its
// dump, so that whether a row that was written to still is as it was can be told without reading the dump.
//
// They are made in the dump's own snapshot, one file a table, only for tables that a slot follows: elsewhere nothing
// would ask. What differs escapes with a probability of about 2^-64; which columns differ they do not say.
#pragma once
#include <string>

#include "database/postgresql/row_catalogue.h"
#include "database/postgresql/table_count.h"

namespace backout::postgresql {

/// Files OID.rows in `directory` for those of `tables` ("public.orders") that have a key; what the horizon keeps:
/// {"public.orders": {"file", "key", "columns", "rows", "sha256"}}. `go_on` is asked between tables. In the
/// connection's transaction.
Result<Json> write_fingerprints(Connection& connection, const Json& tables, const std::string& directory);

/// What the rows were that the slot says were written to: by one pass over the table's file. False, and nothing is
/// changed: they do not fit its columns of now, or which columns changed must be known, because one transaction wrote
/// nearly all (a migration, perhaps). `directory`: the dump's.
Result<bool> settle_by_fingerprints(Connection& live, const CountGround& ground, const std::string& directory,
                                    TableCount& count);

}  // namespace backout::postgresql
