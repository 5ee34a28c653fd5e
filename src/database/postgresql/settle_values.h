// What can be said about staged rows before any of them is tried: which are no differences at all, which values the
// target has no place for.
#pragma once
#include "database/postgresql/halving.h"

namespace backout::postgresql {

/// For tables whose types differ. Rows whose values are the target's, once its types have read and written them, are
/// dropped from the stage; values that its types do not take, or would store as something else, are reported (`type`,
/// `enum`).
Result<void> settle_types(Connection& target, const StagedTable& table);

/// NULLs for columns of the target that must have a value, and new rows that would have no value there: `not-null`.
Result<void> settle_nulls(Connection& target, const StagedTable& table);

/// Marks rows as reported.
std::string report_statement(const StagedTable& table, const RowRefusal& refusal, const std::string& condition);

/// Rows with that mark.
Result<RowCounts> count_marked(Connection& target, const StagedTable& table, const std::string& mark);

/// What is in the stage now, counted: all but known rows.
Result<void> count_staged(Connection& target, StagedTable& table, std::map<std::string, int64_t>* columns);

}  // namespace backout::postgresql
