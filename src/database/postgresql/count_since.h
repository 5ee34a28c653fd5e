// count: the rows that users inserted, changed and deleted since a checkpoint, told from the live database and the
// checkpoint's files alone: nothing is restored, nothing is written. Each table says in which way, why so, and whether
// the figure is exact; a figure that is not is called so, and a table that cannot be counted has none.
//
// The ways, in the order in which they are tried:
//   slot       every change since, as the checkpoint's slot has it; what rows that were written to were, from the dump:
//              exact
//   numbers    rows whose transaction is not older than the checkpoint, one scan; with the checkpoint's number of rows
//              and greatest key that is exact for rows that were only added, or only taken away
//   dump       the same, and what those rows were, looked up in the dump: exact
//   hash       the checkpoint's hash of the table is the one of now: exact, nothing changed
//   counters   the server's statistics: about
//   balance    the number of rows then and now: about
// docs/design/postgresql.md, Counting, says when each is sound.
#pragma once
#include "base/json.h"
#include "base/result.h"
#include "driver/tool.h"

namespace backout::postgresql {

/// {"server", "live", "backup", "manifest", "manifest_sha256"?, "tables"?, "fill"?, "renamed"?, "limit_ms"?}.
/// docs/formats/postgresql-rescue.md has the evidence: that of `diff`, whose `compared` has "exact" for each table too,
/// "exact": of all, and "old_rows": of each table {"changed", "rows", "exact", "known", "settled", "why"}. kNotFound,
/// kCorrupt: the checkpoint's files.
Result<Json> count_since(const Json& args, const driver::Progress& progress);

}  // namespace backout::postgresql
