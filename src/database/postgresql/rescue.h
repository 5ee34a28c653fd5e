// diff and rescue: the rows that users inserted, changed and deleted since the checkpoint, counted, and carried into
// the database restored beside.
//
// `live` is what users write to, and is only read, in one snapshot. `target` is the database restored beside: nobody
// else writes there, so what it holds before is the base, and live against target by key is what users did. One merge,
// the differences staged in temporary tables of the target, applied in one transaction; then a second merge proves that
// nothing differs but what was reported. Killed at any instant and run again, it is the same merge against whatever the
// target holds by then.
#pragma once
#include "database/postgresql/differences.h"

namespace backout::postgresql {

/// {"server", "live", "target", "tables", "known"?, "refuse_undecided"?, "result"?}. Changes nothing. kRefused: a
/// column was rewritten and nobody has decided whose values are right.
Result<Json> diff_rows(const Json& args, const Progress& progress);

/// {"server", "live", "target", "tables", "known"?, "only"?, "record", "conflicts", "archive"}. Evidence and record as
/// in docs/formats/postgresql-rescue.md; the record also has marks_of(live) from before the snapshot. `only`: tables to
/// carry again ("orders", "sales.orders"); evidence and files keep what is said of the others. kConflict: the second
/// comparison finds something that was not reported, or somebody else writes to the target.
Result<Json> rescue_rows(const Json& args, const Progress& progress);

}  // namespace backout::postgresql
