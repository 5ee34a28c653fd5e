// The verbs about a team's own backups: load one, and run the team's own restore behind a save.
#pragma once
#include "base/json.h"
#include "database/sqlite/files.h"

namespace backout::database {

Result<Json> run_load(const Json& args, const Progress& progress);
Result<Json> look_at_load(const Json& args);

/// Does the live database hold exactly what the backup holds? That, and not an exit status, says that it was restored.
Result<Json> look_at_script(const Json& args);

/// Before what the script restored is replaced by the same with users' rows in it: the script did its work, and the
/// save is of what the rescue saw. kConflict.
Result<void> check_scripted(const Json& args, const std::string& rescued_digest);
/// Owner, mode and journal mode as they were before the script: `before` names the save and what was seen.
Result<void> dress_as_before(const std::string& file, const Json& before);

/// The save takes its place again, whatever the script left: the old content, another one, no database, no file.
Result<Json> run_put_back(const Json& args, const Progress& progress);
Result<Json> look_at_put_back(const Json& args);

}  // namespace backout::database
