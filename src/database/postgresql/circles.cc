// Circles: changes that only together are allowed, because a unique constraint is checked row by row.
#include "base/text.h"
#include "database/postgresql/row_carrier.h"

namespace backout::postgresql {
namespace {

constexpr const char* kWaitsForUnique = "s.mark = 'p' AND s.kind = 'unique' AND s.op <> 'd'";

/// A value that no row has, for a column of this type and staged row s; empty: we know of none.
std::string unused_value(const MappedTable& table, const MappedColumn& column) {
  const std::string name = sql_name(column.name), type = column.target.base_type;
  if (!column.target.not_null) return "NULL";
  const auto lowest = [&](const std::string& step) {
    return "(SELECT pg_catalog.min(x." + name + ") FROM " + table.target.from() + " AS x) - " + step;
  };
  if (type == "smallint" || type == "integer" || type == "bigint" || type == "numeric")
    return "(" + lowest("s.n") + ")::" + type;
  if (type == "date") return lowest("s.n::pg_catalog.int4");
  if (type.starts_with("timestamp")) return lowest("s.n * interval '1 second'");
  if (type == "uuid") return "pg_catalog.gen_random_uuid()";
  if (type == "text" || type == "character varying" || type == "bpchar")
    return "pg_catalog.substr(pg_catalog.md5(pg_catalog.random()::text || s.n), 1, " +
           std::string(column.target.type == column.target.base_type ? "32" : "8") + ")";
  return "";
}

}  // namespace

/// Rows that wait for a unique value and that an action of a foreign key hangs on cannot be taken out: they get other
/// values first, each column for itself, where the table's other rules allow it. They stay waiting.
Result<void> RowCarrier::park(StagedTable& table) {
  const Rows columns = TRY(target_.query(
      "SELECT DISTINCT a.attname FROM pg_catalog.pg_index i JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid "
      "AND a.attnum = ANY (i.indkey::pg_catalog.int2[]) WHERE i.indisunique AND i.indrelid = " +
      std::to_string(table.map->target.oid)));
  for (int row = 0; row < columns.count(); ++row) {
    const size_t at = table.column(columns.text(row, 0));
    if (at == std::string::npos || at < table.map->key_size || table.map->columns[at].target.identity_always) continue;
    const std::string value = unused_value(*table.map, table.map->columns[at]);
    if (value.empty()) continue;
    const std::string name = sql_name(table.map->columns[at].name);
    // A parked row whose turn does not come is put back when the circle is taken apart.
    TRY_VOID(in_halves(
        target_, 1, TRY(target_.integer("SELECT coalesce(max(n), 0) FROM " + table.stage())),
        [&](const std::string& range) {
          return "UPDATE " + table.map->target.from() + " AS t SET " + name + " = " + value + " FROM " + table.stage() +
                 " AS s WHERE " + table.match() + " AND s.op = 'u' AND " + kWaitsForUnique + " AND t." + name +
                 "::pg_catalog.text IS DISTINCT FROM " + table.value(at) + "::pg_catalog.text AND " + range;
        },
        [](int64_t, const RowRefusal&) { return Result<void>(); }));
  }
  return {};
}

/// One try with all that wait. True: again, without those that were refused (mark f).
Result<bool> RowCarrier::try_circle() {
  TRY_VOID(target_.exec("SAVEPOINT backout_circle"));
  bool any = false;
  for (StagedTable* table : references_.children_first()) {
    if (TRY(target_.integer("SELECT pg_catalog.count(*) FROM " + table->stage() + " AS s WHERE " + kWaitsForUnique)) ==
        0)
      continue;
    any = true;
    if (references_.has_actions(*table)) {
      TRY_VOID(park(*table));
    } else if (!table->map->multiset) {
      TRY_VOID(target_.exec(table->remove("s.op = 'u' AND " + std::string(kWaitsForUnique))));
    }
  }
  if (!any) {
    TRY_VOID(target_.exec("RELEASE SAVEPOINT backout_circle"));
    return false;
  }
  bool all_in = true;
  for (StagedTable* table : references_.children_first()) all_in = TRY(put_in_again(*table)) && all_in;
  if (all_in) {
    TRY_VOID(target_.exec("RELEASE SAVEPOINT backout_circle"));
    for (StagedTable* table : references_.children_first())
      TRY_VOID(target_.exec("UPDATE " + table->stage() + " AS s SET mark = 'a' WHERE " + kWaitsForUnique));
    return false;
  }
  // Their marks go with the savepoint: so they are kept here meanwhile.
  std::vector<std::pair<StagedTable*, std::string>> refused;
  for (StagedTable* table : references_.children_first()) {
    const std::string numbers =
        TRY(target_.text("SELECT coalesce(pg_catalog.string_agg(n::pg_catalog.text, ','), '') "
                         "FROM " +
                         table->stage() + " WHERE mark = 'f'"));
    if (!numbers.empty()) refused.push_back({table, numbers});
  }
  TRY_VOID(target_.exec("ROLLBACK TO SAVEPOINT backout_circle; RELEASE SAVEPOINT backout_circle"));
  for (const auto& [table, rows] : refused)
    TRY_VOID(target_.exec("UPDATE " + table->stage() + " AS s SET mark = 'f' WHERE s.n IN (" + rows + ")"));
  return true;
}

/// Puts waiting rows in, those taken out with the columns that live does not have. False: some were refused (mark f).
Result<bool> RowCarrier::put_in_again(StagedTable& table) {
  const int64_t last =
      TRY(target_.integer("SELECT coalesce(max(n), 0) FROM " + table.stage() + " AS s WHERE " + kWaitsForUnique));
  if (last == 0) return true;
  bool all_in = true;
  const auto refused = [&](int64_t n, const RowRefusal& refusal) {
    all_in = false;
    return target_.exec("UPDATE " + table.stage() + " SET mark = 'f', why = " + sql_text(refusal.why) +
                        " WHERE n = " + std::to_string(n));
  };
  std::vector<std::string> names, values;
  for (size_t i = 0; i < table.map->columns.size(); ++i) {
    names.push_back(sql_name(table.map->columns[i].name));
    values.push_back(table.value(i));
  }
  for (const std::string& name : table.map->only_target) {
    if (find_column(table.map->target, name)->generated) continue;
    names.push_back(sql_name(name));
    values.push_back("u." + sql_name(name));
  }
  const auto over = [&](const std::string& range) {
    if (references_.has_actions(table)) return table.update(kWaitsForUnique + (" AND " + range));
    return "INSERT INTO " + sql_name(table.map->target.schema, table.map->target.name) + " (" + join(names, ", ") +
           ") OVERRIDING SYSTEM VALUE SELECT " + join(values, ", ") + " FROM " + table.stage() + " AS s, " +
           table.undo() + " AS u WHERE u.backout_n = s.n AND s.op = 'u' AND " + kWaitsForUnique + " AND " + range;
  };
  if (!table.map->multiset && table.has_undo) TRY_VOID(in_halves(target_, 1, last, over, refused));
  TRY_VOID(in_halves(
      target_, 1, last, [&](const std::string& range) { return table.insert(kWaitsForUnique + (" AND " + range)); },
      refused));
  return all_in;
}

Result<void> RowCarrier::settle_circles() {
  for (StagedTable* table : references_.children_first())
    if (!table->map->multiset && table->staged.update > 0) TRY_VOID(save_undo(*table, kWaitsForUnique));
  while (TRY(try_circle())) continue;
  for (StagedTable* table : references_.children_first())
    TRY_VOID(target_.exec("UPDATE " + table->stage() + " SET mark = 'p' WHERE mark = 'f'"));
  return {};
}

}  // namespace backout::postgresql
