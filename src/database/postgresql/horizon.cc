#include "database/postgresql/horizon.h"

#include <charconv>

#include "database/postgresql/row_catalogue.h"

namespace backout::postgresql {
namespace {

bool is_whole_number(const RowTable& table, const std::string& name) {
  const RowColumn* column = find_column(table, name);
  return column != nullptr && (column->type == "bigint" || column->type == "integer" || column->type == "smallint");
}

}  // namespace

Result<Json> read_horizon(Connection& connection) {
  Json keys = Json::object();
  const RowCatalogue catalogue = TRY(read_row_catalogue(connection));
  for (const auto& [oid, table] : catalogue.tables) {
    // The first key is the primary one where there is one; an index serves the greatest of any.
    if (table.keys.empty() || table.keys.front().size() != 1 || !is_whole_number(table, table.keys.front().front()))
      continue;
    const std::string& column = table.keys.front().front();
    const Rows row =
        TRY(connection.query("SELECT pg_catalog.max(" + sql_name(column) + ") FROM " + table.from() + " AS t")
                .with_context("table " + table.shown()));
    if (row.count() == 1 && !row.is_null(0, 0))
      keys[table.schema + "." + table.name] = {{"column", column}, {"max", row.integer(0, 0)}};
  }
  return Json{{"timeline", timeline_of(connection)}, {"time_zone", "UTC"}, {"keys", keys}};
}

int64_t timeline_of(Connection& connection) {
  const auto file = connection.text(
      "SELECT CASE WHEN pg_catalog.has_function_privilege('pg_catalog.pg_walfile_name(pg_lsn)', 'execute') AND NOT "
      "pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()) END");
  int64_t timeline = 0;
  if (file && file->size() >= 8) std::from_chars(file->data(), file->data() + 8, timeline, 16);
  return timeline;
}

uint64_t oldest_running(const std::string& snapshot) {
  uint64_t oldest = 0;
  const auto end = std::from_chars(snapshot.data(), snapshot.data() + snapshot.size(), oldest).ptr;
  return end != snapshot.data() + snapshot.size() && *end == ':' ? oldest : 0;
}

}  // namespace backout::postgresql
