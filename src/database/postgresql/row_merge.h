// merge_rows: the two sides of one table, row by row in key order, in one pass and constant memory.
#pragma once
#include <map>

#include "database/postgresql/row_stream.h"

namespace backout::postgresql {

struct RowCounts {
  int64_t insert = 0, update = 0, remove = 0;
  int64_t all() const { return insert + update + remove; }
  bool operator==(const RowCounts&) const = default;
  RowCounts& operator+=(const RowCounts& other);
};
Json to_json(const RowCounts& counts);  // {"insert", "update", "delete"}
RowCounts row_counts(const Json& counts);

/// What is done with each difference. Rows are valid only during the call.
class RowDifferences {
 public:
  virtual ~RowDifferences() = default;
  virtual Result<void> inserted(const RowStream& live) = 0;
  virtual Result<void> updated(const RowStream& target, const RowStream& live) = 0;
  virtual Result<void> deleted(const RowStream& target) = 0;
};

Result<void> merge_rows(RowStream& target, RowStream& live, RowDifferences& differences);

/// Counts, and counts per changed column.
class RowCounter : public RowDifferences {
 public:
  explicit RowCounter(const MappedTable& table) : table_(table) {}
  Result<void> inserted(const RowStream& live) override;
  Result<void> updated(const RowStream& target, const RowStream& live) override;
  Result<void> deleted(const RowStream& target) override;

  RowCounts counts;
  std::map<std::string, int64_t> columns;  // in updated rows

 private:
  const MappedTable& table_;
};

}  // namespace backout::postgresql
