#include "database/postgresql/settle_values.h"

#include "base/text.h"

namespace backout::postgresql {
namespace {

std::string v_of(size_t column) { return "s.v" + std::to_string(column); }

/// The staged value as the target's type writes it.
std::string as_written(const StagedTable& table, size_t column) {
  const MappedColumn& mapped = table.map->columns[column];
  return v_of(column) + "::" + mapped.target.base_type + "::" + mapped.target.type + "::pg_catalog.text";
}

std::string there(const StagedTable& table, size_t column) {
  return "t." + sql_name(table.map->columns[column].name) + "::pg_catalog.text";
}

std::string differs(const StagedTable& table, size_t column) {
  return as_written(table, column) + " IS DISTINCT FROM " + there(table, column);
}

/// Would the value come back as another one? Empty when that is not asked: the types mean different things by text.
std::string lossy(const StagedTable& table, size_t column) {
  const MappedColumn& mapped = table.map->columns[column];
  const RowColumn& live = mapped.live;
  if (!mapped.converts || !live.builtin || !mapped.target.builtin) return "";
  if (live.base_type == "json" || mapped.target.base_type == "json") return "";
  const std::string back = as_written(table, column) + "::" + live.base_type;
  if (!live.comparable) return back + "::pg_catalog.text IS DISTINCT FROM " + v_of(column);
  return back + " IS DISTINCT FROM " + v_of(column) + "::" + live.base_type;
}

Result<int64_t> last_number(Connection& target, const StagedTable& table) {
  return target.integer("SELECT coalesce(max(n), 0) FROM " + table.stage());
}

Result<void> drop_equals(Connection& target, const StagedTable& table) {
  std::vector<std::string> same;
  for (size_t i = table.map->key_size; i < table.map->columns.size(); ++i)
    same.push_back("NOT (" + differs(table, i) + ")");
  if (same.empty()) return {};
  const auto statement = [&](const std::string& range) {
    return "DELETE FROM " + table.stage() + " AS s USING " + table.rows() + " WHERE " + table.match() +
           " AND s.op = 'u' AND s.mark = 'a' AND " + join(same, " AND ") + " AND " + range;
  };
  // A value that cannot be cast here is met again, and reported, where it is asked whether it fits.
  const auto refused = [](int64_t, const RowRefusal&) { return Result<void>(); };
  return in_halves(target, 1, TRY(last_number(target, table)), statement, refused);
}

Result<void> report_unfit(Connection& target, const StagedTable& table, size_t column) {
  const std::string& name = table.map->columns[column].name;
  const std::string& type = table.map->columns[column].target.type;
  const std::string unfit = lossy(table, column);
  const RowRefusal refusal{"type", "column " + name + ": the value is not the same as " + type};
  const auto statement = [&](const std::string& range) {
    if (unfit.empty())  // the cast alone is the question
      return "SELECT pg_catalog.count(" + as_written(table, column) + ") FROM " + table.stage() +
             " AS s WHERE s.op <> 'd' AND s.mark = 'a' AND " + range;
    return report_statement(table, refusal,
                            "s.op <> 'd' AND s.mark = 'a' AND " + unfit + " AND NOT EXISTS (SELECT FROM " +
                                table.rows() + " WHERE " + table.match() + " AND NOT (" + differs(table, column) +
                                ")) AND " + range);
  };
  const auto refused = [&](int64_t n, const RowRefusal& why) -> Result<void> {
    const RowRefusal typed{why.kind == "unique" ? "type" : why.kind, "column " + name + ": " + why.why};
    return target.exec(report_statement(table, typed, "s.n = " + std::to_string(n)));
  };
  return in_halves(target, 1, TRY(last_number(target, table)), statement, refused);
}

Result<void> report_labels(Connection& target, const StagedTable& table, size_t column) {
  const MappedColumn& mapped = table.map->columns[column];
  const RowRefusal refusal{"enum", "column " + mapped.name + ": " + mapped.target.type + " has no such value"};
  return target.exec(report_statement(
      table, refusal,
      "s.mark = 'a' AND s.op <> 'd' AND " + v_of(column) +
          " IS NOT NULL AND NOT EXISTS (SELECT FROM pg_catalog.pg_enum AS e WHERE e.enumtypid = " +
          sql_text(mapped.target.base_type) + "::pg_catalog.regtype AND e.enumlabel = " + v_of(column) + ")"));
}

}  // namespace

std::string report_statement(const StagedTable& table, const RowRefusal& refusal, const std::string& condition) {
  return "UPDATE " + table.stage() + " AS s SET mark = 'r', kind = " + sql_text(refusal.kind) +
         ", why = " + sql_text(refusal.why) + " WHERE " + condition;
}

Result<void> settle_types(Connection& target, const StagedTable& table) {
  if (!table.map->converts()) return {};
  for (size_t i = 0; i < table.map->columns.size(); ++i)
    if (table.map->columns[i].target.is_enum) TRY_VOID(report_labels(target, table, i));
  TRY_VOID(drop_equals(target, table));
  for (size_t i = 0; i < table.map->columns.size(); ++i)
    if (table.map->columns[i].converts && !table.map->columns[i].target.is_enum)
      TRY_VOID(report_unfit(target, table, i));
  return {};
}

Result<void> settle_nulls(Connection& target, const StagedTable& table) {
  for (const std::string& name : table.map->unfilled()) {
    const RowRefusal refusal{"not-null", "column " + name + " must have a value, and new rows have none for it"};
    TRY_VOID(target.exec(report_statement(table, refusal, "s.mark = 'a' AND s.op = 'i'")));
  }
  for (size_t i = 0; i < table.map->columns.size(); ++i) {
    const MappedColumn& column = table.map->columns[i];
    if (!column.target.not_null || column.live.not_null) continue;
    const RowRefusal refusal{"not-null", "column " + column.name + " must have a value"};
    TRY_VOID(target.exec(report_statement(table, refusal, "s.mark = 'a' AND s.op <> 'd' AND " + v_of(i) + " IS NULL")));
  }
  return {};
}

namespace {

Result<RowCounts> count_where(Connection& target, const StagedTable& table, const std::string& condition) {
  RowCounts counts;
  const Rows rows = TRY(
      target.query("SELECT op, pg_catalog.count(*) FROM " + table.stage() + " WHERE " + condition + " GROUP BY op"));
  for (int row = 0; row < rows.count(); ++row) {
    const std::string operation = rows.text(row, 0);
    (operation == "i" ? counts.insert : operation == "u" ? counts.update : counts.remove) = rows.integer(row, 1);
  }
  return counts;
}

}  // namespace

Result<RowCounts> count_marked(Connection& target, const StagedTable& table, const std::string& mark) {
  return count_where(target, table, "mark = " + sql_text(mark));
}

Result<void> count_staged(Connection& target, StagedTable& table, std::map<std::string, int64_t>* columns) {
  table.staged = TRY(count_where(target, table, "mark <> 'k'"));
  if (columns == nullptr || table.staged.update == 0) return {};
  columns->clear();
  std::vector<std::string> sums;
  for (size_t i = table.map->key_size; i < table.map->columns.size(); ++i)
    sums.push_back("pg_catalog.count(*) FILTER (WHERE " + differs(table, i) + ")");
  if (sums.empty()) return {};
  const Rows counted =
      TRY(target.query("SELECT " + join(sums, ", ") + " FROM " + table.stage() + " AS s, " + table.rows() + " WHERE " +
                       table.match() + " AND s.op = 'u' AND s.mark NOT IN ('k', 'r')"));
  for (size_t i = 0; i < sums.size(); ++i)
    if (const int64_t changed = counted.integer(0, static_cast<int>(i)); changed > 0)
      (*columns)[table.map->columns[table.map->key_size + i].name] = changed;
  return {};
}

}  // namespace backout::postgresql
