// dump_rows: rows as a dump has them, in one pass, without a database: by the pg_restore that would restore them.
#pragma once
#include <functional>
#include <set>

#include "base/clock.h"
#include "database/postgresql/programs.h"

namespace backout::postgresql {

/// One row of `COPY ... TO`, without its newline; valid during the call.
struct DumpRow {
  const std::string& schema;
  const std::string& table;
  const std::vector<std::string>& columns;
  std::string_view line;
};

/// Rows of the tables with these oids (of when it was dumped), table by table, in no order within one. kTimedOut after
/// `limit`. kCorrupt: the dump has no rows of one of them.
Result<void> read_dump(const Program& restore, const std::string& directory, const std::set<int64_t>& oids,
                       Millis limit, const std::function<Result<void>(const DumpRow&)>& row);

}  // namespace backout::postgresql
