// apply: rows out of a file into the live database, by a person's decision. An insert goes in where its key is free, a
// change or a delete where the row still is what the file says it was; everything else stays as it is and is told.
//
// One transaction. What is as the file wants it already is nothing to do, so that the same file a second time changes
// nothing. The tables are quiet meanwhile (see quiet.h): what triggers did is in the rows already.
#pragma once
#include "base/json.h"
#include "base/result.h"
#include "driver/tool.h"

namespace backout::postgresql {

/// {"server", "live", "from", "fill"?, "dry_run"?, "conflicts"?}. {"applied": {table: counts}, "already": {table:
/// rows}, "conflict_count", "conflicts", "conflicts_by_kind", "conflicts_file"?, "sequences"?, "skipped": [sentences]}.
/// kConflict: somebody else wrote to the same rows.
Result<Json> apply_rows(const Json& args, const driver::Progress& progress);

}  // namespace backout::postgresql
