#include "database/postgresql/observe.h"

#include <fmt/format.h>

#include "base/text.h"
#include "database/postgresql/connection.h"
#include "database/postgresql/count_since.h"
#include "database/postgresql/habits.h"
#include "database/postgresql/look_at_downs.h"
#include "database/postgresql/manifest.h"
#include "database/postgresql/read_catalog.h"
#include "database/postgresql/read_migrations.h"
#include "database/postgresql/rewritten_rows.h"
#include "database/postgresql/verb_args.h"
#include "schema/migration_books.h"

namespace backout::postgresql {
namespace {

constexpr const char* kRole =
    "SELECT r.rolname, r.rolsuper, r.rolsuper OR r.rolcreatedb, "
    "pg_catalog.pg_has_role(d.datdba, 'USAGE') AND (r.rolsuper OR r.rolcreatedb), "
    "r.rolsuper OR pg_catalog.pg_has_role('pg_signal_backend', 'USAGE') "
    "FROM pg_catalog.pg_roles r, pg_catalog.pg_database d "
    "WHERE r.rolname = current_user AND d.datname = pg_catalog.current_database()";

// What pg_dump reads: not what belongs to an extension, nor views.
constexpr const char* kUnreadable =
    "SELECT c.oid::pg_catalog.regclass::text FROM pg_catalog.pg_class c "
    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
    "WHERE c.relkind IN ('r', 'p', 'S') AND c.relpersistence <> 't' "
    "AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' "
    "AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass "
    "  AND d.objid = c.oid AND d.deptype = 'e') "
    "AND NOT (pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND "
    "  CASE c.relkind WHEN 'S' THEN pg_catalog.has_sequence_privilege(c.oid, 'SELECT') "
    "  ELSE pg_catalog.has_table_privilege(c.oid, 'SELECT') END) ORDER BY 1 LIMIT 5";

// Of these it would see some rows only; pg_dump and the counts refuse that.
constexpr const char* kFiltered =
    "SELECT c.oid::pg_catalog.regclass::text FROM pg_catalog.pg_class c "
    "WHERE c.relrowsecurity AND c.relkind IN ('r', 'p') AND pg_catalog.row_security_active(c.oid) ORDER BY 1 LIMIT 5";

// Only a superuser may make them; or whoever a provider lets, which nothing in the catalogue tells.
constexpr const char* kUntrusted =
    "SELECT e.extname FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_available_extension_versions v "
    "ON v.name = e.extname AND v.version = e.extversion WHERE v.superuser AND NOT v.trusted "
    "AND NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) ORDER BY 1";
constexpr int kHasTrusted = 130000;

Result<Json> names(Connection& connection, const char* query) {
  const Rows rows = TRY(connection.query(query));
  Json list = Json::array();
  for (int row = 0; row < rows.count(); ++row) list.push_back(rows.text(row, 0));
  return list;
}

Result<Json> role_of(Connection& connection) {
  const Rows rows = TRY(connection.query(kRole));
  Json may_not_read = TRY(names(connection, kUnreadable));
  Json filtered = TRY(names(connection, kFiltered));
  Json untrusted = connection.server_version() < kHasTrusted ? Json::array() : TRY(names(connection, kUntrusted));
  return Json{{"name", rows.text(0, 0)},         {"superuser", rows.flag(0, 1)},
              {"may_create", rows.flag(0, 2)},   {"may_rename", rows.flag(0, 3)},
              {"may_end", rows.flag(0, 4)},      {"may_not_read", std::move(may_not_read)},
              {"filtered", std::move(filtered)}, {"untrusted", std::move(untrusted)}};
}

/// Before a database is left alone: did its rows become others? A count that fails is a doubt, and no harm.
std::vector<std::string> look_at_rows(const Json& args, const Json& against, const std::string& database,
                                      schema::Comparison& comparison) {
  if (!get(against, "manifest").is_string()) return {};
  Json count{
      {"live", database}, {"tables", only_carried(get(args, "tables"))}, {"limit_ms", get_int(args, "count_rows_ms")}};
  for (const char* key : {"server", "programs"})
    if (args.contains(key)) count[key] = get(args, key);
  for (const char* key : {"backup", "manifest", "manifest_sha256"}) count[key] = get_string(against, key);
  const auto counted = count_since(count, {});
  const Json seen = counted ? *counted : Json{{"failed", counted.error().message}};
  weigh_rows(seen, comparison);
  return doubts_about_rows(seen, comparison);
}

schema::BookContents as_books(const std::map<std::string, TableContent>& tables) {
  schema::BookContents books;
  for (const auto& [name, content] : tables) books[name] = {content.rows, content.hash};
  return books;
}

Result<Json> compare_books(Connection& connection, const Json& books_of) {
  const schema::BookContents now = as_books(TRY(read_books(connection)));
  const auto manifest = manifest_of(books_of);
  return schema::other_books(
      now, manifest ? Result<schema::BookContents>(as_books(books_in(manifest->content))) : manifest.error());
}

/// By the table in which a migrator notes them: what is applied, in few words that change with it. What cannot be read
/// says so: a broken database, or one in which a migration holds the table, must be looked at all the same.
Json applied_now(Connection& connection, const Json& book) {
  Json applied = Json::object();
  (void)connection.exec("SET lock_timeout = '2s'");
  const auto noted = read_migrations(connection);
  if (!noted) return {{"migrations", "cannot be read: " + one_line(noted.error().message)}};
  for (const auto& each : *noted)
    applied[each.table] = schema::in_few_words(each.applied) + (each.trouble.empty() ? "" : "; " + each.trouble);
  const auto books = read_books(connection);  // of tools that are known by their table's name alone
  if (!books) return {{"migrations", "cannot be read: " + one_line(books.error().message)}};
  for (const auto& [quoted, content] : *books) {
    const std::string table = replaced(quoted, "\"", "");
    if (!applied.contains(table) && !table.ends_with(".migrations"))  // which may be what a shop sells to birds
      applied[table] = fmt::format("{} ({})", counted(content.rows, "row"), content.hash.substr(0, 12));
  }
  const std::string named = get_string(book, "table");  // of a tool that lets its user choose
  if (named.empty()) return applied;
  const size_t dot = named.find('.');
  const std::string schema = dot == std::string::npos ? "public" : named.substr(0, dot), table = named.substr(dot + 1);
  const auto rows = connection.query(fmt::format(
      "SELECT {}::pg_catalog.text FROM {}", sql_name(get_string(book, "column", "version")), sql_name(schema, table)));
  std::vector<std::string> own;
  for (int row = 0; rows && row < rows->count(); ++row) own.push_back(rows->text(row, 0));
  applied[schema + "." + table] =
      rows ? schema::in_few_words(std::move(own)) : "cannot be read: " + one_line(rows.error().message);
  return applied;
}

}  // namespace

Result<Json> schema_of(Connection& connection) {
  const auto catalog = TRY(read_catalog(connection));
  return Json{{"schema", schema::postgresql::to_json(catalog)},
              {"schema_hash", schema::postgresql::hash_of_objects(catalog)}};
}

Result<Json> observe(const Json& args) {
  const std::string name = get_string(args, "database");
  auto connection = Connection::open(TRY(server_of(args)), name);
  if (!connection) {
    if (connection.error().code == Code::kNotFound && !name.empty()) return Json{{"exists", false}, {"database", name}};
    return connection.error();
  }
  TRY_VOID(connection->is_fit());
  Json seen = TRY(schema_of(*connection));
  if (const Json& against = get(args, "against"); against.is_object() && !get(against, "catalog").empty()) {
    const auto wanted = schema::postgresql::catalog_from_json(get(against, "catalog"));
    const auto now = TRY(schema::postgresql::catalog_from_json(get(seen, "schema")));
    if (wanted) {
      auto comparison = TRY(compare_with_habits(*wanted, now, *connection, get_string(against, "habits")));
      if (comparison.rung == schema::Rung::kLeave && get(args, "count_rows_ms").is_number())
        seen["doubts"] = look_at_rows(args, against, connection->database(), comparison);
      seen["comparison"] = to_json(comparison);
      const bool asked = comparison.rung != schema::Rung::kLeave || get_string(args, "rung") == "step-down";
      if (asked && get(args, "migrations").is_object())
        seen["downs"] = look_at_downs({get(args, "migrations"), against, get(args, "tables"), *wanted, now, comparison},
                                      *connection);
    }
  }
  if (const Json& books_of = get(args, "books_of"); books_of.is_object())
    seen["books"] = TRY(compare_books(*connection, books_of));
  if (const std::string tool = get_string(get(args, "migrations"), "tool"); !tool.empty()) seen["migrator"] = tool;
  if (Json applied = applied_now(*connection, get(args, "book")); !applied.empty())
    seen["applied"] = std::move(applied);
  TRY_VOID(connection->exec("SET lock_timeout = '10s'"));
  seen["exists"] = true;
  seen["database"] = connection->database();
  seen["server_version"] = connection->server_version();
  seen["size"] = TRY(connection->integer("SELECT pg_catalog.pg_database_size(pg_catalog.current_database())"));
  if (get(args, "pgbackrest").is_object())  // which restores whole clusters
    seen["cluster_size"] =
        connection
            ->integer(
                "SELECT coalesce(sum(pg_catalog.pg_database_size(oid)), 0)::int8 FROM pg_catalog.pg_database WHERE "
                "pg_catalog.has_database_privilege(oid, 'CONNECT')")
            .value_or(get_int(seen, "size"));
  seen["role"] = TRY(role_of(*connection));
  const Rows users = TRY(connection->query(
      "SELECT coalesce(usename, backend_type), count(*) FROM pg_catalog.pg_stat_activity "
      "WHERE datname = pg_catalog.current_database() AND pid <> pg_catalog.pg_backend_pid() GROUP BY 1 ORDER BY 1"));
  seen["sessions"] = Json::object();
  for (int row = 0; row < users.count(); ++row) seen["sessions"][users.text(row, 0)] = users.integer(row, 1);
  return seen;
}

}  // namespace backout::postgresql
