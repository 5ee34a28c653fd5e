// The proof of a rescue: a second comparison finds exactly what was reported.
#pragma once
#include "database/postgresql/differences.h"

namespace backout::postgresql {

/// What still differs, {table: counts}. kConflict: a row differs that was not reported, or the other way round (a fault
/// of ours: nothing may be swapped in then). `sides`: live in the rescue's snapshot, target after the commit.
Result<Json> prove_rows(RowSides& sides, Connection& writer, const RowMap& map, const std::deque<StagedTable>& carried);

}  // namespace backout::postgresql
