#include "database/postgresql/compare_rows.h"

#include <algorithm>

#include "base/text.h"
#include "database/postgresql/row_buckets.h"

namespace backout::postgresql {
namespace {

constexpr const char* kReadOnly = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";

/// Sorting is most of the work; jit would compile what runs for a second.
constexpr const char* kLocal = "SET LOCAL work_mem = '64MB'; SET LOCAL jit = off";

std::string content_hash(const RowTable& table, const RowTable& other) {
  std::vector<std::string> texts;
  for (const RowColumn& column : table.columns)
    if (!column.generated && find_column(other, column.name) != nullptr)
      texts.push_back("t." + sql_name(column.name) + "::pg_catalog.text");
  std::sort(texts.begin(), texts.end());
  const std::string row = texts.empty() ? "''" : "ROW(" + join(texts, ", ") + ")::pg_catalog.text";
  return "SELECT pg_catalog.count(*) || ' ' || coalesce(pg_catalog.sum(pg_catalog.hashtextextended(" + row +
         ", 0)::pg_catalog.numeric), 0) FROM " + table.from() + " AS t";
}

}  // namespace

Result<RowSides> RowSides::open(const Server& server, const std::string& live, const std::string& target,
                                const std::string& snapshot) {
  RowSides sides;
  sides.live = TRY(Connection::open(server, live).with_context("the live database " + live));
  sides.target = TRY(Connection::open(server, target).with_context("the new database " + target));
  TRY_VOID(sides.live.exec(std::string(kReadOnly) + "; " + kLocal));
  TRY_VOID(sides.target.exec(std::string(kReadOnly)));
  if (!snapshot.empty()) TRY_VOID(sides.target.exec("SET TRANSACTION SNAPSHOT " + sql_text(snapshot)));
  TRY_VOID(sides.target.exec(kLocal));
  return sides;
}

Result<void> RowSides::set_local(const std::string& setting) {
  for (Connection* side : {&target, &live}) TRY_VOID(side->exec("SET LOCAL " + setting));
  return {};
}

Result<Json> compare_rows(RowSides& sides, const MappedTable& table, RowDifferences& differences) {
  const std::string context = "table " + table.shown;
  const RowBuckets buckets = TRY(differing_buckets(sides, table).with_context(context));
  Json how{{"by", table.matched_by()}, {"how", "merge"}, {"why", buckets.why}};
  if (buckets.worth_it) how["how"] = buckets.none_differ() ? "hash" : "buckets";
  if (buckets.none_differ()) return how;
  // Ranges are for the key's index; the planner, which knows nothing of them, must not think of reading all for each.
  if (!buckets.part.ranges.empty()) TRY_VOID(sides.set_local("enable_seqscan = off"));
  TRY_VOID(RowStream::send(sides.target, table, RowSide::kTarget, buckets.part).with_context(context));
  TRY_VOID(RowStream::send(sides.live, table, RowSide::kLive, buckets.part).with_context(context));
  auto target = TRY(RowStream::open(sides.target, table).with_context(context));
  auto live = TRY(RowStream::open(sides.live, table).with_context(context));
  TRY_VOID(merge_rows(target, live, differences).with_context(context));
  if (!buckets.part.ranges.empty()) TRY_VOID(sides.set_local("enable_seqscan = on"));
  return how;
}

Result<bool> content_differs(RowSides& sides, const RowTable& live, const RowTable& target) {
  return TRY(sides.live.text(content_hash(live, target))) != TRY(sides.target.text(content_hash(target, live)));
}

}  // namespace backout::postgresql
