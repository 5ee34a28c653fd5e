// StagedTable: the differences of one table, in a temporary table of the target's session, and the pieces of SQL that
// everything about them is said in.
//
// A staged row has a number n, an operation op (i, u, d), a mark, why it was refused (kind, why), the values that users
// left (v0, v1, ... as text, the key's first; of a deleted row the key alone) and, of a table without a key, its number
// among equal rows (copy). Marks: a: is in the target, p: has to wait, e: is being tried, x: is to be taken back, b:
// was taken back, r: reported as a conflict, k: was reported by an earlier rescue. A row begins as `a`: in the common
// case no row is ever marked again. Aliases: s is the staged row, t the row of the table.
#pragma once
#include <optional>
#include <string>

#include "database/postgresql/row_merge.h"

namespace backout::postgresql {

struct StagedTable {
  const MappedTable* map = nullptr;
  int number = 0;
  RowCounts staged;      // what is in the stage
  RowCounts carried;     // what is in the target at the end
  int64_t reported = 0;  // conflicts
  bool has_undo = false;
  bool hush = false;  // event triggers would hear of the temporary tables

  std::string stage() const { return "pg_temp.backout_stage_" + std::to_string(number); }
  /// Rows as they were before they were changed or deleted: n as backout_n, and every column of the table.
  std::string undo() const { return "pg_temp.backout_undo_" + std::to_string(number); }

  /// The table as FROM item `t`; of one without a key with backout_copy, backout_ctid, backout_tableoid.
  std::string rows(const std::string& t = "t") const;
  /// Staged row s is row t.
  std::string match(const std::string& s = "s", const std::string& t = "t") const;
  /// "s.v3::numeric": fails for values that the type does not take.
  std::string value(size_t column, const std::string& s = "s") const;
  /// Number of the column; npos when it is not carried.
  size_t column(const std::string& name) const;

  std::string create_stage() const;
  std::string create_undo() const;
  /// INSERT of staged rows that meet `condition` about s.
  std::string insert(const std::string& condition) const;
  /// UPDATE; empty when there is nothing but keys.
  std::string update(const std::string& condition) const;
  std::string remove(const std::string& condition) const;
  /// The names of all columns that values can be given for.
  std::vector<std::string> writable() const;
};

/// The statement so that event triggers do not hear of it, when `hush`. Needs the right to set
/// session_replication_role then.
std::string hushed(const std::string& statement, bool hush);
/// Are there event triggers that would hear of it?
Result<bool> has_event_triggers(Connection& connection);

/// Puts differences into the stage as they are met; the stage is made for the first one.
class Stager : public RowDifferences {
 public:
  Stager(Connection& target, StagedTable& table) : target_(target), table_(table) {}
  Result<void> inserted(const RowStream& live) override { return ++table_.staged.insert, put('i', live.line()); }
  Result<void> updated(const RowStream&, const RowStream& live) override {
    return ++table_.staged.update, put('u', live.line());
  }
  Result<void> deleted(const RowStream& target) override;
  Result<void> finish();

 private:
  Result<void> put(char operation, std::string_view line);
  Connection& target_;
  StagedTable& table_;
  std::optional<CopyIn> copy_;
  int64_t number_ = 0;
  std::string buffer_;
};

}  // namespace backout::postgresql
