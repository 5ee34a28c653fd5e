// Rows of tables and columns that a migration renamed, seen under the names that the restored schema has for them.
#pragma once
#include "database/postgresql/row_catalogue.h"
#include "schema/postgresql/renames.h"

namespace backout::postgresql {

/// Gives what `live` has the names before: what reads those tables selects from a list of their columns under these.
void rename_as_before(RowCatalogue& live, const schema::postgresql::Renames& renames);

}  // namespace backout::postgresql
