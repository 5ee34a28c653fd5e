// RowStream: the rows of one mapped table on one side, in key order or one by key, as the target's columns would hold
// them.
//
// Holds one row at a time: memory does not grow with the table. REQUIRES: the connection outlives it and is inside a
// transaction, so that everything it shows is of one moment.
#pragma once
#include <string>
#include <vector>

#include "database/sqlite/carry_map.h"
#include "database/sqlite/connection.h"

namespace backout::database {

using Key = std::vector<Cell>;

class RowStream {
 public:
  enum class Side { kBase, kLive, kTarget };
  /// All rows in key order; stands on the first one. With `Side::kLive` the values of new columns come along.
  static Result<RowStream> scan(Connection& connection, const Carry& carry, Side side);
  /// For find(): stands nowhere.
  static Result<RowStream> lookup(Connection& connection, const Carry& carry, Side side);

  bool done() const { return done_; }
  Result<void> next();
  /// Stands on the row with that key, or done() when there is none. Only after lookup().
  Result<void> find(const Key& key);

  Cell cell(size_t column) const { return cell_of(row_, static_cast<int>(column + first_)); }
  Cell key_cell(size_t part) const { return carry_->rowid.empty() ? cell(carry_->key[part].column) : cell_of(row_, 0); }
  size_t key_size() const { return carry_->rowid.empty() ? carry_->key.size() : 1; }
  /// Lets go of the row it stands on.
  void release() { source_.reset(); }
  Key key() const;
  /// Has a new column a value other than its default? Only for the live side.
  bool has_news() const;
  Cell new_cell(size_t column) const {
    return cell_of(source_.raw(), static_cast<int>(first_ + carry_->columns.size() + column));
  }
  const Carry& carry() const { return *carry_; }
  /// The row as {"column": value}, new columns included.
  Json json() const;
  Json key_json() const;

 private:
  static Result<RowStream> open(Connection& connection, const Carry& carry, Side side, bool one);
  Result<void> prepare_conversion(Connection& connection);
  Result<void> convert();

  const Carry* carry_ = nullptr;
  Statement source_, put_, shown_;  // put_ and shown_: through a temporary table with the target's affinities
  sqlite3_stmt* row_ = nullptr;     // whose columns cell() reads
  size_t first_ = 0;                // 1 when column 0 is the rowid
  bool with_news_ = false;
  bool done_ = false;
};

/// Below, at or above zero: which row comes first in key order.
int order(const RowStream& a, const RowStream& b);
bool same_row(const RowStream& a, const RowStream& b);

/// " WHERE ..." that finds the row with the key bound from parameter `first` on.
/// "a COLLATE NOCASE, b COLLATE BINARY": the key as rows are ordered by. REQUIRES: rows are not matched by rowid.
std::string key_expressions(const Carry& carry);
std::string where_key(const Carry& carry, int first);
/// Columns of the key, for a table that remembers keys: "k0 COLLATE NOCASE, k1 COLLATE BINARY".
std::string key_columns(const Carry& carry);

}  // namespace backout::database
