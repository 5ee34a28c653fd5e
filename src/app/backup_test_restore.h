// What a test says of one backup: read to its end and, for SQLite, really restored to a scratch file, checked, and held
// against its manifest, if it has one, and against the schema of the live database.
#pragma once
#include "app/backups.h"
#include "schema/snapshot.h"

namespace backout::app {

struct Tested {
  Backup backup;
  std::string file, manifest;  // the restored database and what it holds, when `keep` was asked for and it is good
  std::optional<schema::Snapshot> schema;
};

/// `keep`: the restored file is left in the scratch directory, and is the caller's to remove. Never an error: what went
/// wrong is in it.
Tested test_backup(const Workspace& workspace, const archive::Found& found, bool keep, const Said& said);

/// Removes what tests left in the scratch directory whose process is gone (killed, or the machine stopped).
void remove_left_by_killed(const Workspace& workspace);

/// The body of backup_tested.
Json body_of(const Backup& backup);

}  // namespace backout::app
