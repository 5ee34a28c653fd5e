// RewrittenRows: a migration may change rows and leave no trace in the schema. What was counted since the checkpoint
// tells whether a database that would be left alone holds other values in nearly all its old rows. Pure.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "schema/compare.h"

namespace backout::postgresql {

struct TableCount;

/// Below that, "nearly all rows changed" says nothing.
inline constexpr int64_t kFewRows = 20;
inline constexpr const char* kRowsRewritten = "rows-rewritten";

/// Of `rows` old ones: enough of them that no user did it.
bool nearly_all(int64_t changed, int64_t rows);

/// {"changed", "rows", "exact", "known", "why"} of one table, for what count_since says under "old_rows".
/// `rows`: how many the checkpoint had.
Json old_rows_of(const TableCount& count, int64_t rows);

/// Adds a finding for each table that was rewritten; none for those of which the configuration says `carry`.
/// `counted`: the evidence of count_since.
void weigh_rows(const Json& counted, schema::Comparison& comparison);

/// Sentences on what nobody knows of rows in a database that is left alone: migrations that no change of the schema
/// explains, tables that many rows changed of, tables that could not be counted.
std::vector<std::string> doubts_about_rows(const Json& counted, const schema::Comparison& comparison);

/// `tables` of backout.yaml without the words that leave rows behind: in a database that is left alone they stay.
Json only_carried(const Json& tables);

}  // namespace backout::postgresql
