// merge: two sides of one table, row by row in key order, in one pass and constant memory.
#pragma once
#include "database/sqlite/rows.h"

namespace backout::database {

struct Counts {
  int64_t insert = 0, update = 0, remove = 0;
  int64_t all() const { return insert + update + remove; }
  bool operator==(const Counts&) const = default;
};
Json to_json(const Counts& counts);  // {"insert", "update", "delete"}

/// What is done with each difference. Rows are valid only during the call.
class Differences {
 public:
  virtual ~Differences() = default;
  virtual Result<void> inserted(RowStream& after) = 0;
  virtual Result<void> updated(RowStream& before, RowStream& after) = 0;
  virtual Result<void> deleted(RowStream& before) = 0;
  /// Every row of the later side, changed or not, that has a value in a new column.
  virtual Result<void> news(RowStream& after) = 0;
};

Result<void> merge(RowStream& before, RowStream& after, Differences& differences);

/// Counts, and counts per changed column.
class Counter : public Differences {
 public:
  Result<void> inserted(RowStream& after) override;
  Result<void> updated(RowStream& before, RowStream& after) override;
  Result<void> deleted(RowStream& before) override;
  Result<void> news(RowStream& after) override;

  Counts counts;
  std::map<std::string, int64_t> columns;  // in updated rows
  int64_t rows_with_news = 0;
};

}  // namespace backout::database
