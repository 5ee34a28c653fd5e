#include "database/sqlite/sides.h"

#include "base/text.h"
#include "database/sqlite/manifest.h"
#include "database/sqlite/page_digest.h"
#include "database/sqlite/read_schema.h"

namespace backout::database {
namespace {

Result<void> hold(Connection& connection) {
  TRY_VOID(connection.exec("BEGIN; SELECT count(*) FROM sqlite_schema;"));
  const std::string encoding = TRY(connection.text("PRAGMA encoding"));
  if (encoding == "UTF-8") return {};
  return Error{Code::kUnsupported,
               connection.path() + " stores text as " + encoding + ": its rows cannot be compared by this version",
               "restore it by hand, or fix forward"};
}

constexpr int64_t kFewRows = 20;  // below that, "nearly all rows changed" says nothing

}  // namespace

Result<Sides> Sides::open(const std::string& base, const std::string& live) {
  Sides sides;
  sides.base = TRY(Connection::open(base, Open::kFixed));
  sides.live = TRY(Connection::open(live, Open::kQuery));
  TRY_VOID(hold(sides.base).with_context("the checkpoint's copy"));
  TRY_VOID(hold(sides.live).with_context("the live database"));
  sides.base_schema = TRY(read_schema(sides.base));
  sides.live_schema = TRY(read_schema(sides.live));
  sides.live_digest = TRY(page_digest(sides.live));
  return sides;
}

std::string matched_by(const Carry& carry) {
  if (!carry.rowid.empty()) return carry.rowid;
  std::vector<std::string> names;
  for (const auto& part : carry.key) names.push_back(carry.columns[part.column]);
  return join(names, ", ");
}

Result<TableDifference> count_table(Sides& sides, const Carry& carry) {
  TableDifference out{.table = carry.table, .leave = carry.leave, .matched_by = matched_by(carry)};
  auto base = TRY(RowStream::scan(sides.base, carry, RowStream::Side::kBase).with_context("table " + carry.table));
  auto live = TRY(RowStream::scan(sides.live, carry, RowStream::Side::kLive).with_context("table " + carry.table));
  TRY_VOID(merge(base, live, out.counter).with_context("table " + carry.table));
  return out;
}

Result<bool> content_differs(Sides& sides, const std::string& table) {
  const auto* before = find_table(sides.base_schema, table);
  const auto* now = find_table(sides.live_schema, table);
  if (before == nullptr || now == nullptr || before->columns != now->columns) return true;
  return TRY(read_content(sides.base, *before)) != TRY(read_content(sides.live, *now));
}

void DifferenceReport::add_rewritten(const Carry& carry, const std::string& column, int64_t changes,
                                     int64_t base_rows) {
  const std::string name = carry.table + "." + column;
  rewritten_.push_back(fmt::format("{}: {} of {} old rows changed, probably by the migration and not by users", name,
                                   changes, base_rows));
  if (!carry.leave && !carry.chosen && !carry.chosen_columns.contains(schema::lowered(column)))
    undecided_.push_back(name);
}

void DifferenceReport::add(const TableDifference& difference, const Carry& carry, int64_t base_rows) {
  const Counter& counter = difference.counter;
  keys_[difference.table] = difference.matched_by;
  if (counter.counts.all() > 0) (difference.leave ? left_ : rows_)[difference.table] = to_json(counter.counts);
  for (const auto& [column, changes] : counter.columns) {
    columns_[difference.table][column] = changes;
    if (base_rows >= kFewRows && changes * 10 >= base_rows * 9) add_rewritten(carry, column, changes, base_rows);
  }
  if (carry.leave) return;
  for (const std::string& column : carry.only_target) {
    const bool left = carry.chosen_columns.contains(schema::lowered(column));
    not_carried_.push_back(
        fmt::format("{}.{}: {}: old rows keep the value of the checkpoint{}", carry.table, column,
                    left ? "left, as configured" : "the live database has no such column",
                    counter.counts.insert > 0
                        ? ", and " + counted(counter.counts.insert, "new row") + " could only have its default"
                        : std::string()));
  }
  if (counter.rows_with_news > 0) {
    std::vector<std::string> names;
    for (const schema::Column& column : carry.only_live) names.push_back(column.name);
    not_carried_.push_back(
        fmt::format("{}: the values of {} in {} go to the archive: the restored schema has no place for them",
                    carry.table, join(names, ", "), counted(counter.rows_with_news, "row")));
  }
}

Result<Json> DifferenceReport::json(const CarryMap& map, Sides& sides) const {
  Json not_carried = not_carried_;
  for (const std::string& table : map.dropped_tables)
    not_carried.push_back(table +
                          ": the live database has no such table (dropped, or renamed): it stays as at the checkpoint");
  for (const std::string& table : map.new_tables)
    if (const int64_t rows = TRY(sides.live.integer("SELECT count(*) FROM main." + sql_name(table))); rows > 0)
      not_carried.push_back(fmt::format("{}: new; to the archive: {}", table, counted(rows, "row")));
  for (const auto& [table, why] : map.unkeyed)
    if (TRY(content_differs(sides, table)))
      not_carried.push_back(fmt::format("{}: changed, and goes to the archive whole: {}", table, why));
  return Json{{"rows", rows_},
              {"columns", columns_},
              {"left", left_},
              {"keys", keys_},
              {"rewritten", rewritten_},
              {"undecided", undecided_},
              {"not_carried", not_carried},
              {"unkeyed", map.unkeyed},
              {"new_tables", map.new_tables},
              {"dropped_tables", map.dropped_tables},
              {"live_digest", sides.live_digest.hex()}};
}

namespace {

Result<bool> has_repeats(Connection& side, const Carry& carry) {
  return TRY(side.integer("SELECT EXISTS (SELECT 1 FROM main." + sql_name(carry.table) + " GROUP BY " +
                          key_expressions(carry) + " HAVING count(*) > 1)")) != 0;
}

}  // namespace

Result<void> settle_keys(CarryMap& map, const std::vector<Connection*>& sides) {
  for (auto carry = map.tables.begin(); carry != map.tables.end();) {
    bool repeats = false;
    if (carry->rowid.empty() && carry->key_may_repeat)
      for (Connection* side : sides) repeats = repeats || TRY(has_repeats(*side, *carry));
    if (repeats && carry->spare_rowid.empty()) {
      map.unkeyed[carry->table] = "several of its rows have the same key";
      carry = map.tables.erase(carry);
      continue;
    }
    if (repeats) {
      carry->rowid = carry->spare_rowid;
      carry->key.clear();
    }
    ++carry;
  }
  return {};
}

Result<Json> count_differences(const std::string& base, const std::string& live, const std::string& target,
                               const std::map<std::string, Choice>& choices) {
  auto sides = TRY(Sides::open(base, live));
  std::optional<Connection> onto;
  if (!target.empty()) onto = TRY(Connection::open(target, Open::kFixed));
  Connection& wanted = onto ? *onto : sides.base;
  CarryMap map = map_tables(sides.base_schema, sides.live_schema, TRY(read_schema(wanted)), choices);
  TRY_VOID(settle_keys(map, {&sides.base, &sides.live, &wanted}));
  DifferenceReport report;
  for (const auto& carry : map.tables) {
    const auto difference = TRY(count_table(sides, carry));
    const int64_t rows = difference.counter.columns.empty()
                             ? 0
                             : TRY(sides.base.integer("SELECT count(*) FROM main." + sql_name(carry.table)));
    report.add(difference, carry, rows);
  }
  return report.json(map, sides);
}

}  // namespace backout::database
