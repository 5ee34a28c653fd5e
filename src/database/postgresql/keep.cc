#include "database/postgresql/keep.h"

#include "base/clock.h"
#include "database/postgresql/create.h"
#include "database/postgresql/names.h"
#include "database/postgresql/sessions.h"
#include "database/postgresql/verb_args.h"
#include "os/file.h"

namespace backout::postgresql {
namespace {

Result<Json> read_json(const std::string& path) {
  return parse_json(TRY(os::read_file(path, 64U << 20))).with_context(path);
}

/// The replaced database is the one that the swap noted, and still closed: nobody can have written to it.
Result<void> is_kept(const Json& args) {
  const std::string name = TRY(need_our_database(args, "keep"));
  auto maintenance = TRY(Connection::open(TRY(server_of(args)), TRY(need(args, "maintenance"))));
  const auto kept = TRY(find_database(maintenance, name));
  if (!kept)
    return Error{Code::kNotFound, "the kept database " + name + " is gone", "there is no way forward with its rows"};
  if (kept->oid != get_int(TRY(read_json(TRY(need_path(args, "marker")))), "old_oid"))
    return Error{Code::kConflict, name + " is not the database that was replaced", "see psql -l"};
  if (kept->open)
    return Error{Code::kConflict, name + " was opened: what is in it may not be what was replaced",
                 "close it: ALTER DATABASE " + sql_name(name) + " ALLOW_CONNECTIONS false"};
  return {};
}

}  // namespace

Result<Json> keep(const Json& args) {
  TRY_VOID(is_kept(args));
  const Json schema = TRY(read_json(TRY(need_path(args, "catalog"))));
  Json part{{"driver", "postgresql"}, {"catalog", get(schema, "schema")}, {"renamed", get(args, "renamed")}};
  part["database"] = TRY(need(args, "database"));
  part["template"] = TRY(need(args, "keep"));
  part["known"] = TRY(need_path(args, "rescue_record"));
  part["taken_at"] = to_iso(system_clock().wall());
  TRY_VOID(os::write_file_atomic(TRY(need_path(args, "part")), canonical(part) + "\n", 0600));
  return Json{{"part", part}};
}

Result<Json> list_kept(const Json& args) {
  const Server server = TRY(server_of(args));
  std::string database = get_string(args, "database");
  if (database.empty()) database = TRY(Connection::open(server, "")).database();
  auto maintenance = TRY(open_maintenance(server, get_string(args, "maintenance")));
  const std::string begin = start_beside(database), end = "_old";
  const Rows rows = TRY(maintenance.query(
      "SELECT datname, oid::pg_catalog.int8, CASE WHEN pg_catalog.has_database_privilege(oid, 'CONNECT') OR "
      "pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE') THEN pg_catalog.pg_database_size(oid) ELSE 0 END FROM "
      "pg_catalog.pg_database WHERE pg_catalog.starts_with(datname::text, $1) ORDER BY 1",
      {begin}));
  Json kept = Json::array();
  for (int i = 0; i < rows.count(); ++i) {
    const std::string name = rows.text(i, 0);
    if (!name.ends_with(end) || name.size() <= begin.size() + end.size()) continue;
    kept.push_back({{"name", name},
                    {"run", name.substr(begin.size(), name.size() - begin.size() - end.size())},
                    {"oid", rows.integer(i, 1)},
                    {"size", rows.integer(i, 2)}});
  }
  return Json{{"kept", kept}};
}

Result<Json> look_at_kept(const Json& args) {
  const std::string path = TRY(need_path(args, "part"));
  if (!os::exists(path)) return sight(false, "not written down yet");
  if (const auto kept = is_kept(args); !kept) return sight(false, kept.error().message);
  Json part = TRY(read_json(path));
  return sight(true, "the replaced database is there and closed", {{"part", std::move(part)}});
}

}  // namespace backout::postgresql
