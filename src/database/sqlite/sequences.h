// Ids are never given twice: sqlite_sequence of the target becomes the highest of all sides.
#pragma once
#include "base/json.h"
#include "database/sqlite/sides.h"

namespace backout::database {

struct SequenceReport {
  Json raised = Json::object();    // {table: new value}, those that had to grow
  Json reusable = Json::object();  // {table: {"live": highest id, "target": highest id}}: no AUTOINCREMENT, so SQLite
                                   // may give the ids in between again, as it would have after their rows were deleted
};

/// REQUIRES: inside the rescue's transaction, after the rows are carried.
Result<SequenceReport> raise_sequences(Connection& target, Sides& sides, const schema::Snapshot& target_schema);

}  // namespace backout::database
