// try-sql: a migration tried before it is deployed, on a copy of the live database's rows of this moment. What the copy
// is like afterwards says what a rollback would have to do. The live database is dumped, and not touched otherwise.
#pragma once
#include "base/json.h"
#include "database/postgresql/verb_args.h"

namespace backout::postgresql {

/// Arguments: server, maintenance, database, programs, `scratch` (a name of ours), `directory` (made, and removed at
/// the end), `sql`. Evidence: {"applied", "why_not": where and what the server said, "took_ms": of the SQL alone,
/// "comparison": whether the code that runs now fits afterwards, "rows": of the copy}. Run in one transaction. Errors
/// are of the copy: kBusy, kDenied, kNoSpace and the like.
Result<Json> run_try_sql(const Json& args, const Progress& progress);

}  // namespace backout::postgresql
