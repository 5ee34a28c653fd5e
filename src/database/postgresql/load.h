// load: a team's own archive of a PostgreSQL database (SQL text, packed or not; pg_dump's custom, tar and directory
// formats) made into a backup of ours. It is restored into a database of our own, looked at, dumped, and dropped again.
// Killable and repeatable. The live database is read for its encoding, rights and settings, and not connected to.
#pragma once
#include "base/json.h"
#include "database/postgresql/verb_args.h"

namespace backout::postgresql {

/// Arguments and evidence: docs/formats/postgresql-backup.md. kCorrupt: the archive is cut off, damaged, or the server
/// does not take it; the message says where. kConflict: it is not the one with that sha256. kUnsupported: it reaches
/// beyond its database, or is of another kind.
Result<Json> run_load(const Json& args, const Progress& progress);
Result<Json> look_at_load(const Json& args);

}  // namespace backout::postgresql
