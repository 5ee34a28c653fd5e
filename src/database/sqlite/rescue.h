// rescue: the rows that users inserted, changed and deleted since the checkpoint, carried into the restored file.
//
// Three-way by key: base is the checkpoint, live what users wrote to, target the restored file. One pass over base and
// live; one transaction on the target; then a second pass over live and target proves that nothing differs but what was
// reported. Nothing ever writes to live. Repeatable: it starts from the restored bytes, makes them again if an earlier
// try got further.
#pragma once
#include <map>
#include <string>

#include "database/sqlite/carry_map.h"
#include "database/sqlite/files.h"

namespace backout::database {

struct RescueJob {
  std::string base;  // the checkpoint's copy, or what was swapped in when going forward again
  std::string live;
  std::string target;    // the restored file
  std::string pristine;  // what the target was restored from: base, except when going forward again
  std::map<std::string, Choice> choices;
  std::string conflicts;  // JSON lines, 0600: rows that could not be carried, both sides
  std::string archive;    // JSON lines, 0600: new columns and new tables, for the next upgrade
};

/// Evidence, as documented in docs/formats/sqlite-backup.md: {"rows", "carried", "left", "conflicts",
/// "conflicts_by_kind", "conflict_count", "residue", "archived", "sequences", "live_digest", "new_digest", ...}.
/// kConflict when the second diff finds something that was not reported (a fault of ours: nothing may be swapped in
/// then).
Result<Json> rescue(const RescueJob& job, const Progress& progress);

}  // namespace backout::database
