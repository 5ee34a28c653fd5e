#include "database/postgresql/read_migrations.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"

namespace backout::postgresql {
namespace {

using schema::postgresql::Migrations;
using schema::postgresql::Migrator;

using TableColumns = std::map<std::pair<std::string, std::string>, std::set<std::string>>;  // schema, table

Result<TableColumns> candidates(Connection& connection) {
  std::set<std::string> names;
  for (const Migrator& each : schema::postgresql::migrators())
    for (const std::string_view name : {each.table, each.trouble_table})
      if (!name.empty()) names.insert(sql_text(name));
  const Rows rows = TRY(connection.query(
      "SELECT n.nspname, c.relname, a.attname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = "
      "c.relnamespace JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid WHERE c.relkind IN ('r', 'p') AND a.attnum "
      "> 0 "
      "AND NOT a.attisdropped AND n.nspname !~ '^pg_' AND c.relname IN (" +
      join({names.begin(), names.end()}, ", ") + ")"));
  TableColumns out;
  for (int i = 0; i < rows.count(); ++i) out[{rows.text(i, 0), rows.text(i, 1)}].insert(rows.text(i, 2));
  return out;
}

bool has_all(const std::set<std::string>& columns, std::string_view wanted) {
  const auto names = split(wanted, ' ');
  return std::all_of(names.begin(), names.end(), [&](const std::string& name) { return columns.contains(name); });
}

Result<std::vector<std::string>> column_of(Connection& connection, std::string_view sql, const std::string& table) {
  const Rows rows = TRY(connection.query(replaced(std::string(sql), "%T", table)));
  std::vector<std::string> out;
  for (int i = 0; i < rows.count(); ++i) out.push_back(one_line(rows.text(i, 0)));
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

Result<std::vector<Migrations>> read_migrations(Connection& connection) {
  const TableColumns tables = TRY(candidates(connection));
  std::vector<Migrations> out;
  for (const auto& [table, columns] : tables) {
    const auto& [schema, name] = table;
    for (const Migrator& each : schema::postgresql::migrators()) {
      if (each.table != name || !has_all(columns, each.columns)) continue;
      Migrations migrations{.tool = std::string(each.tool), .table = schema + "." + name};
      migrations.applied =
          TRY(column_of(connection, each.applied, sql_name(schema, name)).with_context("reading " + migrations.table));
      if (const std::string trouble(each.trouble_table); !trouble.empty() && tables.contains({schema, trouble}))
        migrations.trouble = join(TRY(column_of(connection, each.trouble, sql_name(schema, trouble))), ", ");
      out.push_back(std::move(migrations));
      break;
    }
  }
  return out;
}

}  // namespace backout::postgresql
