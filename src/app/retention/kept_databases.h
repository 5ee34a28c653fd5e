// Kept databases: what rollbacks replaced on a PostgreSQL server (NAME__backout_RUN_old). They are as large as they
// were, so they go when their time is over.
#pragma once
#include <string>
#include <vector>

#include "app/site/workspace.h"

namespace backout::app {

struct KeptDatabase {
  std::string name, run;
  int64_t oid = 0, size = 0;  // bytes
};
/// Those of this site; none when its database is not on PostgreSQL.
Result<std::vector<KeptDatabase>> kept_databases(const Workspace& workspace);

/// What the tool of the site's PostgreSQL database says to a verb; an empty object where there is none.
Result<Json> ask_server(const Workspace& workspace, const std::string& verb, Json more);

/// Drops it, and looks whether it is gone.
Result<void> drop_kept(const Workspace& workspace, const std::string& name);

}  // namespace backout::app
