// Rescuing: rows that users wrote since a checkpoint, by themselves: counted exactly, exported to files, and rows out
// of files applied to the live database. What `backout rescue` does. Formats: docs/formats/rows.md.
#pragma once
#include <string>

#include "app/site/workspace.h"
#include "model/ids.h"

namespace backout::app {

/// `target` empty: the release that a rollback would go to. The driver's evidence, with "target", "checkpoint".
/// kNotFound: no checkpoint brings it back.
Result<Json> count_rescue(const Workspace& workspace, const Version& target);

/// Into a directory that is not there yet; told to the journal, and deleted with what runs keep (retention.rescue).
Result<Json> export_rescue(const Workspace& workspace, const Version& target, const std::string& directory);

struct Applied {
  Json evidence;       // docs/formats/rows.md
  bool proved = true;  // a second look found nothing left to do
};
/// What would come of it; changes nothing.
Result<Json> try_apply(const Workspace& workspace, const std::string& from);
/// Holds the site meanwhile; told to the journal. kRefused while a run is unfinished, kBusy while one is at work.
Result<Applied> apply_rescue(const Workspace& workspace, const std::string& from);

/// How many rows `applied` (or `rows`) has, of all kinds.
int64_t rows_in(const Json& counts_by_table);

}  // namespace backout::app
