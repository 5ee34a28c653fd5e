// TableCounter: counts what changed in one table since a checkpoint, in ways that need no restored copy. See
// count_since.h for the ways.
#pragma once
#include <array>
#include <chrono>
#include <optional>
#include <unordered_map>

#include "database/postgresql/base_catalogue.h"
#include "database/postgresql/row_report.h"
#include "database/postgresql/slot_changes.h"

namespace backout::postgresql {

/// What is known of both sides before any table is looked at.
struct CountGround {
  const Manifest* manifest = nullptr;
  const BaseCatalogue* base = nullptr;
  const RowCatalogue* live = nullptr;  // under its own names, by the same oids as the renamed one
  std::string unsound;                 // why transaction numbers tell nothing; empty: they do
  std::string horizon;                 // the oldest transaction that the checkpoint may not have seen, as an xid
  std::string no_dump;                 // why rows of the dump cannot be compared as text; empty: they can
  Json marks;                          // the server's counters now
  std::chrono::steady_clock::time_point until;
  Millis left() const;
};

struct TableCount {
  TableDifference difference;
  std::string how, why;
  bool exact = false;
  bool known = true;    // false: nothing can be said of it
  bool changed = true;  // for a table whose rows cannot be matched
  // For the dump: of `changed_rows` rows of live, how many the checkpoint had; so many of its rows are gone or changed.
  bool wants_dump = false;
  int64_t changed_rows = 0, missing = 0;
  std::optional<SlotNet> net;  // what the slot says of it
  std::string not_by_slot;     // why it is not believed
};

/// Of one table, in the connection's REPEATABLE READ transaction; a statement that takes too long is given up.
Result<TableCount> count_table(Connection& live, const CountGround& ground, const MappedTable& table);
/// What the slot says, without a look at the table; where rows were written to, the dump tells whether they differ.
TableCount count_from_slot(const MappedTable& table, SlotNet net);
/// The same of a table whose rows cannot be matched: whether it changed.
Result<TableCount> count_unkeyed(Connection& live, const CountGround& ground, const RowTable& base);

/// Rows of live that changed, to be looked up as the dump goes by.
class ChangedRows {
 public:
  ChangedRows(const MappedTable& table, TableCount& count) : table_(table), count_(count) {}
  /// False: there are too many to be kept.
  Result<bool> read(Connection& live, const CountGround& ground, size_t& bytes_left);
  Result<void> meet(const std::vector<std::string>& columns, std::string_view line);
  /// Puts what came of it into the count. False: it contradicts what the slot says.
  bool conclude();
  const MappedTable& table() const { return table_; }
  TableCount& count() { return count_; }

 private:
  Result<void> arrange(const std::vector<std::string>& columns);
  const MappedTable& table_;
  TableCount& count_;
  std::unordered_map<std::string, std::string> rows_;  // key -> what follows it
  std::vector<std::string> columns_;
  std::vector<size_t> places_;   // of each of our columns in the dump's row
  std::vector<size_t> part_at_;  // which part of the key a field of the dump's row is
  size_t last_key_place_ = 0;
  std::string key_;                                           // of the row at hand
  std::map<std::string, std::map<std::string, int64_t>> by_;  // column -> transaction -> rows that it changed
  int64_t met_ = 0, updated_ = 0;
  bool in_doubt_ = false;  // another text of a column whose type is another one
};

}  // namespace backout::postgresql
