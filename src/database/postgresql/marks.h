// Marks: by which one can tell later whether a table was written to since. Sound, not exact: whatever is doubtful
// counts as written.
//
// They are the server's own counters of written rows. A session adds to them when it is idle, and at the latest when it
// ends: compare only after all sessions of the database have ended. REQUIRES of the first marks: taken before the
// snapshot that the rows are read in.
#pragma once
#include <set>
#include <string>

#include "base/json.h"
#include "database/postgresql/connection.h"

namespace backout::postgresql {

/// {"server": {...}, "tables": {"public.orders": {...}}}; opaque. Not inside a transaction. Partitions count for their
/// root. Names are "schema.table", also for public.
Result<Json> marks_of(Connection& connection);

/// Tables whose rows may be others now, as a carry knows them ("orders", "sales.orders"). Of tables that are in one of
/// the marks only: yes. When the server started anew, lost its counters or does not count: all.
std::set<std::string> changed_since(const Json& before, const Json& now);

}  // namespace backout::postgresql
