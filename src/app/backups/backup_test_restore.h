// What a test says of one backup: read to its end, really restored beside, checked, and held against its manifest, if
// it has one, and against the schema of the live database.
#pragma once
#include "app/backups/archive_loader.h"

namespace backout::app {

struct Tested {
  Backup backup;
  std::optional<LoadedArchive> loaded;  // when `keep` was asked for and it is good
};

/// `keep`: what was restored is left in the scratch directory, and is the caller's to remove. Never an error: what went
/// wrong is in it.
Tested test_backup(const Workspace& workspace, const archive::Found& found, bool keep, const Said& said);

/// The start of a name in the scratch directory that says whose it is: "test-4711-8125-".
std::string name_of_tester();

/// Removes what tests left in the scratch directory whose process is gone (killed, or the machine stopped).
void remove_left_by_killed(const Workspace& workspace);

/// The body of backup_tested.
Json body_of(const Backup& backup);

}  // namespace backout::app
