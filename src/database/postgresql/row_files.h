// The files beside a rescue, JSON lines of mode 0600: rows that could not be carried, with both sides, and what the
// target has no place for. Values are text as COPY writes them, NULL is null.
#pragma once
#include <set>

#include "database/postgresql/compare_rows.h"
#include "database/postgresql/staged_table.h"
#include "os/lines_file.h"

namespace backout::postgresql {

struct Conflicts {
  Json first = Json::array();     // the first 100: {"table", "operation", "kind", "key", "why"}
  Json by_kind = Json::object();  // {table: {kind: rows}}
  int64_t count = 0;
};
/// Writes what is marked `r`, with the row as it is in the target.
Result<void> write_conflicts(Connection& target, StagedTable& table, os::LinesFile& file, Conflicts& conflicts);

/// Live's rows with a value in a column that the target does not have.
Result<int64_t> count_news(Connection& live, const MappedTable& table);
/// Live's rows with a value in a column that the target does not have; how many.
Result<int64_t> archive_columns(Connection& live, const MappedTable& table, os::LinesFile& file);
/// All rows; how many.
Result<int64_t> archive_table(Connection& live, const RowTable& table, const std::string& why, os::LinesFile& file);

/// Lines of an older file about other tables than these. An older file that is not there has none.
Result<void> keep_lines_of_others(const std::string& older, const std::set<std::string>& tables, os::LinesFile& file,
                                  Conflicts* conflicts);

/// Loads the conflicts of an earlier rescue into the target's session, for mark_known().
Result<void> load_known(Connection& target, const std::string& conflicts_file);
/// Rows that an earlier rescue reported and that nobody has touched since are no differences (`k`); those that were
/// changed since are conflicts, `base-changed`. REQUIRES: load_known(). True: there were any.
Result<bool> mark_known(Connection& target, const StagedTable& table);

}  // namespace backout::postgresql
