// Set-based statements over staged rows, some of which the target may refuse.
#pragma once
#include <functional>
#include <string>

#include "database/postgresql/staged_table.h"

namespace backout::postgresql {

/// Why the target refused a row: "unique", "not-null", "check", "type", "missing-parent", "still-referenced".
struct RowRefusal {
  std::string kind;
  std::string why;
};
/// Is the error about values of a row? Nothing: no, it is about the statement, the session or the server.
std::optional<RowRefusal> row_refusal(const std::string& sqlstate, const Error& error);

/// Runs `statement(condition)`, where condition limits it to a range of n; when a row is refused, halves of the range,
/// until the rows are found. For each of those `refused` is called; everything else is done.
/// REQUIRES: a transaction is open.
Result<void> in_halves(Connection& target, int64_t first, int64_t last,
                       const std::function<std::string(const std::string& range)>& statement,
                       const std::function<Result<void>(int64_t n, const RowRefusal&)>& refused);

}  // namespace backout::postgresql
