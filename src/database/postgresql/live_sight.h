// What must not change in the live database while downs are tried on a copy: its schema, and the migrator's table.
#pragma once
#include <string>
#include <vector>

#include "base/json.h"
#include "database/postgresql/migration_calls.h"
#include "schema/postgresql/catalog.h"

namespace backout::postgresql {

struct LiveSight {
  schema::postgresql::Catalog catalog;
  std::vector<std::string> noted;
};

/// `args`: server, database.
Result<LiveSight> look_at_live(const Json& args, const MigrationCalls& calls);

/// Looks again, whatever became of the trial; `failed` is its error, if it has one. kConflict, and loud: the live
/// database is another; what is missing, and where the rows are (`args`: save {backup}).
Result<void> live_is_untouched(const Json& args, const MigrationCalls& calls, const LiveSight& before,
                               const std::string& failed);

}  // namespace backout::postgresql
