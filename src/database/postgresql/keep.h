// keep: after the door opened, what the way forward needs: the replaced database, by its name, as a checkpoint's part.
#pragma once
#include "base/json.h"
#include "base/result.h"

namespace backout::postgresql {

/// Arguments: server, maintenance, database, keep, marker, catalog, rescue_record, renamed (inverse), part. Evidence:
/// {"part"}: driver, database, template, known, taken_at, catalog, renamed. kNotFound: the kept database is gone.
Result<Json> keep(const Json& args);
/// {"sight", "why", "evidence"}.
/// {"server", "maintenance"?, "database"?} -> {"kept": [{"name", "run", "oid", "size"}]}: what rollbacks of this
/// database replaced.
Result<Json> list_kept(const Json& args);
Result<Json> look_at_kept(const Json& args);

}  // namespace backout::postgresql
