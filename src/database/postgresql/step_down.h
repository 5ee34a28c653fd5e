// step_down: undoes migrations on a copy of the live database by the migrator's own `down`, one at a time, and looks at
// the catalogue and at the migrator's table after each.
//
// The tool is told in its environment which database to work on, and a team's configuration may say otherwise. So
// nothing is undone before it was seen that the tool goes to the copy: closed, the tool's list must fail; open again,
// it must show what the copy's table notes. And a down may go elsewhere than the list: while users are in the live
// database, the down itself is run first against the closed copy, read-only and with the live database guarded, and
// must fail with the server's own words about the copy. Behind the door the live database is closed instead.
#pragma once
#include <string>
#include <vector>

#include "database/postgresql/migration_calls.h"
#include "driver/tool.h"
#include "schema/postgresql/catalog.h"

namespace backout::postgresql {

/// What the migrator has noted in the database, in the order in which it was applied. kNotFound: it has no table there.
Result<std::vector<std::string>> noted_in(Connection& connection, const MigrationCalls& calls);

struct StepDownJob {
  Server server;
  std::string maintenance, copy;
  std::vector<std::string> noted;                          // what the copy must note before
  std::vector<Down> downs;                                 // in this order
  std::string live = {};                                   // open, with users in it; empty: closed to everybody
  std::vector<schema::postgresql::Catalog> expected = {};  // after each, as a trial left it; empty: not tried yet
};

struct SteppedDown {
  std::string name;
  Millis took{0};
  schema::postgresql::Catalog catalog;  // after it
};

/// kRefused: the tool does not go to the copy, and nothing was undone. kConflict: a down did something else than what
/// is expected. Its failure with the tool's words otherwise.
Result<std::vector<SteppedDown>> step_down(const StepDownJob& job, const MigrationCalls& calls,
                                           const driver::Progress& progress);

}  // namespace backout::postgresql
