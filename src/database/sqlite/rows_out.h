// export and apply: what users did since a checkpoint as files, and rows out of files into the live database.
//
// Formats: docs/formats/rows.md. `export` only reads. `apply` changes the live file in one transaction: an insert goes
// in where its key is free, a change or a delete where the row still is what the file says it was, and only so that no
// foreign key points nowhere; everything else stays and is told. What is so already is nothing to do, so the same file
// a second time changes nothing.
#pragma once
#include "base/json.h"
#include "base/result.h"
#include "database/sqlite/files.h"

namespace backout::database {

/// {"base", "live", "target"?, "tables"?, "directory"}. {"rows", "left", "files": {table: lines}, "not_carried",
/// "directory"}.
Result<Json> export_rows(const Json& args, const Progress& progress);

/// {"live", "from", "dry_run"?, "conflicts"?}. {"applied": {table: counts}, "already": {table: rows}, "conflict_count",
/// "conflicts", "conflicts_by_kind", "conflicts_file"?, "skipped": [sentences]}. kBusy: somebody else writes.
Result<Json> apply_rows(const Json& args, const Progress& progress);

}  // namespace backout::database
