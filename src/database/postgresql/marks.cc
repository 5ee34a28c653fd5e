#include "database/postgresql/marks.h"

namespace backout::postgresql {
namespace {

constexpr const char* kServer = R"(
SELECT pg_catalog.json_build_object(
  'started', pg_catalog.pg_postmaster_start_time(),
  'database', (SELECT d.oid::pg_catalog.int8 FROM pg_catalog.pg_database d
               WHERE d.datname = pg_catalog.current_database()),
  'reset', (SELECT s.stats_reset FROM pg_catalog.pg_stat_database s
            WHERE s.datname = pg_catalog.current_database()),
  'counts', pg_catalog.current_setting('track_counts') = 'on' AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_db_role_setting r, pg_catalog.unnest(r.setconfig) AS u(setting)
    WHERE pg_catalog.lower(u.setting) LIKE 'track_counts=%' AND pg_catalog.lower(u.setting) <> 'track_counts=on')))";

constexpr const char* kTables = R"(
SELECT n.nspname || '.' || r.relname, CASE WHEN n.nspname = 'public' THEN r.relname
    ELSE n.nspname || '.' || r.relname END,
  pg_catalog.json_agg(pg_catalog.json_build_array(c.oid::pg_catalog.int8, c.relfilenode::pg_catalog.int8,
    pg_catalog.pg_stat_get_tuples_inserted(c.oid), pg_catalog.pg_stat_get_tuples_updated(c.oid),
    pg_catalog.pg_stat_get_tuples_deleted(c.oid)) ORDER BY c.oid)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_class r ON r.oid = coalesce(pg_catalog.pg_partition_root(c.oid), c.oid)
JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND n.nspname NOT LIKE 'pg\_%'
  AND n.nspname <> 'information_schema'
GROUP BY 1, 2)";

}  // namespace

Result<Json> marks_of(Connection& connection) {
  TRY(connection.query("SELECT pg_catalog.pg_stat_clear_snapshot()"));
  const Json server = TRY(parse_json(TRY(connection.text(kServer).with_context("the server's counters"))));
  Json tables = Json::object();
  const Rows rows = TRY(connection.query(kTables).with_context("the tables' counters"));
  for (int row = 0; row < rows.count(); ++row) {
    const Json counters = TRY(parse_json(rows.text(row, 2)));
    tables[rows.text(row, 0)] = {{"shown", rows.text(row, 1)}, {"counters", counters}};
  }
  return Json{{"server", server}, {"tables", tables}};
}

std::set<std::string> changed_since(const Json& before, const Json& now) {
  const Json &server = get(before, "server"), &then = get(before, "tables"), &tables = get(now, "tables");
  const bool known = server.is_object() && server == get(now, "server") && get_bool(server, "counts") &&
                     then.is_object() && tables.is_object();
  std::set<std::string> changed;
  const auto look = [&](const Json& here, const Json& there) {
    if (!here.is_object()) return;
    for (const auto& [name, table] : here.items())
      if (!known || get(table, "counters") != get(get(there, name), "counters"))
        changed.insert(get_string(table, "shown", name));
  };
  look(then, tables);
  look(tables, then);
  return changed;
}

}  // namespace backout::postgresql
