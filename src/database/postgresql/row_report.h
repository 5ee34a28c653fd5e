// RowReport: what a count or a rescue says of the differences. Same keys as SQLite's.
#pragma once
#include <functional>

#include "database/postgresql/compare_rows.h"

namespace backout::postgresql {

struct TableDifference {
  const MappedTable* map = nullptr;
  RowCounts counts;
  std::map<std::string, int64_t> columns;  // in updated rows
  std::map<std::string, int64_t> by_one;   // of those of a column: how many one transaction changed; empty: not known
  Json compared;
  int64_t rows_with_news = 0;  // live rows with a value in a column that only live has
};

/// {"rows", "columns", "left", "keys", "rewritten", "changes", "undecided", "not_carried", "unkeyed", "new_tables",
///  "dropped_tables", "compared"}; see docs/formats/postgresql-rescue.md.
class RowReport {
 public:
  /// Asks the target how many rows there were, when a column changed in many.
  Result<void> add(const TableDifference& difference, Connection& target);
  /// `rows`: how many there were; it need not count further than it is told.
  Result<void> add(const TableDifference& difference, const std::function<Result<int64_t>(int64_t enough)>& rows);
  /// `changed_unkeyed`: those of map.unkeyed that changed.
  Result<Json> json(const RowMap& map, const std::map<std::string, std::string>& changed_unkeyed,
                    RowSides& sides) const;
  /// `target`: where the materialized views are that are told of.
  Result<Json> json(const RowMap& map, const std::map<std::string, std::string>& changed_unkeyed, Connection& live,
                    Connection& target) const;

 private:
  Result<void> add_rewritten(const TableDifference& difference,
                             const std::function<Result<int64_t>(int64_t enough)>& rows);
  void add_unfilled(const TableDifference& difference);
  void add_not_carried(const TableDifference& difference);
  Json rows_ = Json::object(), columns_ = Json::object(), left_ = Json::object(), keys_ = Json::object(),
       rewritten_ = Json::array(), changes_ = Json::array(), undecided_ = Json::array(), not_carried_ = Json::array(),
       compared_ = Json::object(), unfilled_ = Json::object();
};

}  // namespace backout::postgresql
