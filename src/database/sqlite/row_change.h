// RowChange: one row of a file of rows (docs/formats/rows.md), and its values on their way into SQLite and back.
#pragma once
#include "base/json.h"
#include "database/sqlite/connection.h"

namespace backout::database {

struct Change {
  std::string table, operation;
  Json row, base, key;  // `row`: of a delete what was there
  Json line;            // as it was read, for the conflicts
};

/// kCorrupt: it is none.
Result<Change> change_of(const Json& line);

/// A name that SQLite has for the number of any row.
bool is_rowid(const std::string& name);

/// Equal as they are stored: 1 is not 1.0.
bool same_value(const Json& a, const Json& b);

/// As value.h writes it. kCorrupt: it is no value.
Result<void> bind_value(Statement& statement, int at, const Json& value);

}  // namespace backout::database
