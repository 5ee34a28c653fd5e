// compare_rows: finds what differs between the two sides of a table, and reads as little as it can for that.
#pragma once
#include "database/postgresql/row_merge.h"

namespace backout::postgresql {

/// Two sessions, each at one moment.
struct RowSides {
  Connection live, target;

  /// Both in a REPEATABLE READ, READ ONLY transaction; the target's is that of `snapshot` when it is given.
  static Result<RowSides> open(const Server& server, const std::string& live, const std::string& target,
                               const std::string& snapshot);
  /// "enable_sort = off", in both.
  Result<void> set_local(const std::string& setting);
};

/// Calls `differences` for every row that differs, in key order. Returns how it was found out and why:
/// {"by": "id", "how": "merge" | "hash" | "buckets", "why": "..."}.
Result<Json> compare_rows(RowSides& sides, const MappedTable& table, RowDifferences& differences);

/// Did a table whose rows cannot be matched change at all?
Result<bool> content_differs(RowSides& sides, const RowTable& live, const RowTable& target);

}  // namespace backout::postgresql
