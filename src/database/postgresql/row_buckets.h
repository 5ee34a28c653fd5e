// RowBuckets: which parts of a table differ, found by hashes that the server computes on both sides at once.
//
// Rows fall into buckets by their key: ranges of a whole number, else its hash. Of each bucket the number of rows and
// the xor of their hashes are compared; only rows of buckets that differ are fetched. A hash never decides that a row
// is the same in another way than 64 bits, seeded anew each time and for each row, do.
#pragma once
#include "database/postgresql/compare_rows.h"
#include "database/postgresql/row_stream.h"

namespace backout::postgresql {

/// What of a column is hashed so that any two values are told apart; `name` is the column as SQL.
std::string hashed_value(const RowColumn& column, const std::string& name);

struct RowBuckets {
  bool worth_it = false;  // otherwise all rows are to be merged
  std::string why;        // for people
  RowPart part;           // rows of buckets that differ
  bool none_differ() const { return worth_it && part.where.empty() && part.ranges.empty(); }
};

/// From when on tables are hashed; tests lower it, so that small tables are.
struct BucketLimits {
  int64_t small_bytes = 4 << 20;  // below that, reading all is as fast
  int64_t rows = 32;              // of a bucket, at least
  bool always = false;            // also when most buckets differ
};
BucketLimits& bucket_limits();

Result<RowBuckets> differing_buckets(RowSides& sides, const MappedTable& table);

}  // namespace backout::postgresql
