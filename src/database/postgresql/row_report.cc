#include "database/postgresql/row_report.h"

#include <fmt/format.h>

#include <limits>

#include "base/text.h"
#include "database/postgresql/rewritten_rows.h"

namespace backout::postgresql {
namespace {

Result<std::vector<std::string>> names_from(Connection& connection, const std::string& sql) {
  std::vector<std::string> names;
  const Rows rows = TRY(connection.query(sql));
  for (int row = 0; row < rows.count(); ++row) names.push_back(rows.text(row, 0));
  return names;
}

constexpr const char* kMaterialised =
    "SELECT n.nspname || '.' || c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = "
    "c.relnamespace WHERE c.relkind = 'm' ORDER BY 1";

}  // namespace

Result<void> RowReport::add_rewritten(const TableDifference& difference,
                                      const std::function<Result<int64_t>(int64_t enough)>& rows_up_to) {
  const MappedTable& table = *difference.map;
  for (const auto& [column, changes] : difference.columns) {
    if (changes * 10 < kFewRows * 9) continue;
    const int64_t rows =
        TRY(rows_up_to(changes < kFewRows ? changes * 10 / 9 + 1 : std::numeric_limits<int64_t>::max()));
    const std::string name = table.shown + "." + column;
    const auto one = difference.by_one.find(column);
    const bool at_once = one != difference.by_one.end() && nearly_all(one->second, changes);
    if (nearly_all(changes, rows) || at_once) {
      rewritten_.push_back(fmt::format("{}: {} of {} old rows changed{}, probably by the migration and not by users",
                                       name, changes, rows,
                                       nearly_all(changes, rows) ? "" : ", nearly all by one transaction"));
      if (!table.leave && !table.chosen && !table.chosen_columns.contains(column)) undecided_.push_back(name);
    } else if (changes >= kFewRows && !table.leave) {
      changes_.push_back(
          fmt::format("{}: {} of {} old rows changed since the checkpoint: carried", name, changes, rows));
    }
  }
  return {};
}

void RowReport::add_unfilled(const TableDifference& difference) {
  const MappedTable& table = *difference.map;
  if (table.leave || difference.counts.insert == 0) return;
  for (const std::string& column : table.unfilled()) {
    const std::string name = table.shown + "." + column;
    unfilled_[name] = fmt::format("{}: {} that users wrote have no value for it, and the restored schema wants one",
                                  name, counted(difference.counts.insert, "row"));
  }
}

void RowReport::add_not_carried(const TableDifference& difference) {
  const MappedTable& table = *difference.map;
  for (const std::string& column : table.only_target)
    not_carried_.push_back(fmt::format(
        "{}.{}: {}: old rows keep the value of the checkpoint{}", table.shown, column,
        table.chosen_columns.contains(column) ? "left, as configured" : "the live database has no such column",
        difference.counts.insert > 0
            ? ", and " + counted(difference.counts.insert, "new row") +
                  (table.fill.contains(column) ? " get '" + one_line(table.fill.at(column)) + "'"
                                               : " could only have its default")
            : std::string()));
  if (difference.rows_with_news > 0)
    not_carried_.push_back(
        fmt::format("{}: the values of {} in {} go to the archive: the restored schema has no place for them",
                    table.shown, join(table.only_live, ", "), counted(difference.rows_with_news, "row")));
}

Result<void> RowReport::add(const TableDifference& difference, Connection& target) {
  return add(difference, [&](int64_t enough) {
    return target.integer("SELECT pg_catalog.count(*) FROM (SELECT FROM " + difference.map->target.from() +
                          " AS x LIMIT " + std::to_string(enough) + ") AS t");
  });
}

Result<void> RowReport::add(const TableDifference& difference,
                            const std::function<Result<int64_t>(int64_t enough)>& rows) {
  const MappedTable& table = *difference.map;
  keys_[table.shown] = table.matched_by();
  compared_[table.shown] = difference.compared;
  if (difference.counts.all() > 0) (table.leave ? left_ : rows_)[table.shown] = to_json(difference.counts);
  for (const auto& [column, changes] : difference.columns) columns_[table.shown][column] = changes;
  TRY_VOID(add_rewritten(difference, rows));
  if (get_string(difference.compared, "how") == "slot" && get_bool(difference.compared, "exact") &&
      difference.columns.empty() && difference.counts.update >= kFewRows && !table.leave)
    changes_.push_back(fmt::format("{}: {} of {} old rows changed since the checkpoint: carried", table.shown,
                                   difference.counts.update, TRY(rows(std::numeric_limits<int64_t>::max()))));
  add_unfilled(difference);
  if (!table.leave) add_not_carried(difference);
  return {};
}

Result<Json> RowReport::json(const RowMap& map, const std::map<std::string, std::string>& changed_unkeyed,
                             RowSides& sides) const {
  return json(map, changed_unkeyed, sides.live, sides.target);
}

Result<Json> RowReport::json(const RowMap& map, const std::map<std::string, std::string>& changed_unkeyed,
                             Connection& live, Connection& target) const {
  Json not_carried = not_carried_, new_tables = Json::array();
  for (const std::string& table : map.dropped_tables)
    not_carried.push_back(table +
                          ": the live database has no such table (dropped, or renamed): it stays as at the checkpoint");
  for (const RowTable& table : map.new_tables) {
    new_tables.push_back(table.shown());
    const int64_t rows = TRY(live.integer("SELECT pg_catalog.count(*) FROM " + table.from() + " AS t"));
    if (rows > 0)
      not_carried.push_back(fmt::format("{}: new; to the archive: {}", table.shown(), counted(rows, "row")));
  }
  for (const auto& [table, why] : changed_unkeyed)
    not_carried.push_back(fmt::format("{}: changed, and goes to the archive whole: {}", table, why));
  if (!rows_.empty())
    for (const std::string& view : TRY(names_from(target, kMaterialised)))
      not_carried.push_back(view + ": a materialized view, as at the checkpoint until it is refreshed");
  const std::string objects = "SELECT pg_catalog.count(*) FROM pg_catalog.pg_largeobject_metadata";
  if (const int64_t count = TRY(live.integer(objects)); count > 0)
    not_carried.push_back(
        fmt::format("{} are not compared: they stay as at the checkpoint", counted(count, "large object")));
  return Json{{"rows", rows_},
              {"columns", columns_},
              {"left", left_},
              {"keys", keys_},
              {"rewritten", rewritten_},
              {"changes", changes_},
              {"undecided", undecided_},
              {"unfilled", unfilled_},
              {"not_carried", not_carried},
              {"unkeyed", changed_unkeyed},
              {"new_tables", new_tables},
              {"dropped_tables", map.dropped_tables},
              {"compared", compared_}};
}

}  // namespace backout::postgresql
