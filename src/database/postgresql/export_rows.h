// export: what users did since a checkpoint, row by row, in files that `apply` takes again and people can read.
//
// One file of JSON lines a table and a manifest, docs/formats/rows.md, all of mode 0600. The checkpoint's copy is
// restored beside for the time that it takes, and dropped again; the live database is only read.
#pragma once
#include "base/json.h"
#include "base/result.h"
#include "driver/tool.h"

namespace backout::postgresql {

/// {"server", "live", "scratch", "backup", "manifest", "manifest_sha256"?, "jobs"?, "maintenance"?, "tables"?, "fill"?,
/// "directory"}. {"rows", "left", "files": {table: lines}, "not_carried", "directory"}.
Result<Json> export_rows(const Json& args, const driver::Progress& progress);

/// The same arguments without `directory`, and "exact": count_since(), and where that cannot be exact and "exact" asks
/// for it, by restoring.
Result<Json> count_rows(const Json& args, const driver::Progress& progress);

}  // namespace backout::postgresql
