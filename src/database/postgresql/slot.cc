#include "database/postgresql/slot.h"

#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "base/hash.h"
#include "base/text.h"
#include "database/postgresql/verb_args.h"

namespace backout::postgresql {
namespace {

constexpr const char* kMostLockWait = "3s";  // longer than an autovacuum takes to give way
constexpr int kHasWalStatus = 130000;
constexpr int kDropTries = 60;  // of 50 ms

// Tables with rows of users, as a checkpoint dumps them; of a partitioned one all that hold its rows must be fit.
constexpr const char* kCandidates = R"(
SELECT c.oid::pg_catalog.int8, n.nspname, c.relname,
  CASE WHEN NOT pg_catalog.pg_has_role(c.relowner, 'USAGE') THEN 'our role does not own it'
       WHEN leaves.unlogged THEN 'it is not logged'
       WHEN leaves.foreign_one THEN 'rows of it are on another server'
       WHEN leaves.unknown OR NOT fit(c) THEN 'it has no replica identity, as a primary key is one'
       ELSE '' END
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace,
LATERAL (SELECT coalesce(pg_catalog.bool_or(l.relpersistence <> 'p'), false) AS unlogged,
    coalesce(pg_catalog.bool_or(l.relkind <> 'r'), false) AS foreign_one,
    coalesce(pg_catalog.bool_or(NOT fit(l)), false) AS unknown
  FROM pg_catalog.pg_class l WHERE (c.relkind = 'r' AND l.oid = c.oid) OR (c.relkind = 'p' AND l.oid IN (
    SELECT t.relid FROM pg_catalog.pg_partition_tree(c.oid) t WHERE t.isleaf AND t.relid <> c.oid))) AS leaves
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
    AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 2, 3)";

/// Whether the server can tell rows apart: what it looks for itself before it lets a published table be updated.
std::string fit(const std::string& relation) {
  return replaced(
      "(CASE $.relreplident WHEN 'f' THEN true WHEN 'n' THEN false ELSE EXISTS (SELECT FROM pg_catalog.pg_index i "
      "WHERE i.indrelid = $.oid AND i.indisvalid AND i.indimmediate AND "
      "CASE $.relreplident WHEN 'd' THEN i.indisprimary ELSE i.indisreplident END) END)",
      "$", relation);
}

std::string with_fit(std::string sql) {
  sql = replaced(std::move(sql), "fit(c)", fit("c"));
  return replaced(std::move(sql), "fit(l)", fit("l"));
}

struct Candidate {
  int64_t oid = 0;
  std::string schema, name, unfit;  // why not
  bool operator==(const Candidate&) const = default;
};

Result<std::vector<Candidate>> candidates(Connection& connection) {
  const Rows rows = TRY(connection.query(with_fit(kCandidates)).with_context("which tables a slot may follow"));
  std::vector<Candidate> all;
  for (int i = 0; i < rows.count(); ++i)
    all.push_back({rows.integer(i, 0), rows.text(i, 1), rows.text(i, 2), rows.text(i, 3)});
  return all;
}

/// In one transaction that holds its tables' definitions: no key goes while it is made.
Result<Json> publish(Connection& connection, const std::string& name) {
  TRY_VOID(connection.exec(std::string("BEGIN; SET LOCAL lock_timeout = '") + kMostLockWait + "'"));
  const auto all = TRY(candidates(connection));
  Json kept{{"tables", Json::object()}, {"left_out", Json::object()}};
  std::string tables;
  for (const Candidate& each : all) {
    if (!each.unfit.empty())
      kept["left_out"][each.schema + "." + each.name] = each.unfit;
    else
      tables += (tables.empty() ? "ONLY " : ", ONLY ") + sql_name(each.schema, each.name);
  }
  if (tables.empty())
    return Error{Code::kUnsupported, "no table has a replica identity, as a primary key is one",
                 "give each a primary key"};
  TRY_VOID(connection.exec("CREATE PUBLICATION " + sql_name(name) + " FOR TABLE " + tables +
                           " WITH (publish = 'insert, update, delete, truncate')"));
  if (TRY(candidates(connection)) != all)
    return Error{Code::kBusy, "tables were changed just now", "let the migration end, then again"};
  const Rows rows = TRY(connection.query(
      "SELECT n.nspname || '.' || c.relname, c.oid::pg_catalog.int8, r.oid::pg_catalog.int8 FROM "
      "pg_catalog.pg_publication_rel r JOIN pg_catalog.pg_publication p ON p.oid = r.prpubid JOIN pg_catalog.pg_class "
      "c ON c.oid = r.prrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE p.pubname = $1",
      {name}));
  for (int i = 0; i < rows.count(); ++i)
    kept["tables"][rows.text(i, 0)] = {{"oid", rows.integer(i, 1)}, {"membership", rows.integer(i, 2)}};
  TRY_VOID(connection.exec("COMMIT"));
  return kept;
}

/// Whose transactions the server waits for before it can begin to follow the log.
std::string who_writes(const Server& server, const std::string& database) {
  auto connection = Connection::open(server, database);
  if (!connection) return "";
  const auto rows = connection->query(
      "SELECT coalesce('process ' || pid || ' (' || coalesce(nullif(application_name, ''), usename::text, '?') || ', "
      "database ' || coalesce(datname, '?') || ')', '?') FROM pg_catalog.pg_stat_activity WHERE backend_xid IS NOT "
      "NULL "
      "UNION ALL SELECT 'the prepared transaction ' || gid FROM pg_catalog.pg_prepared_xacts LIMIT 3");
  std::vector<std::string> all;
  for (int i = 0; rows && i < rows->count(); ++i) all.push_back(one_line(rows->text(i, 0)));
  return join(all, ", ");
}

Result<std::string> create_slot(Connection& connection, const Server& server, const std::string& name, Millis wait) {
  TRY_VOID(connection.exec(fmt::format("SET statement_timeout = {}; SET lock_timeout = 0", wait.count())));
  auto made =
      connection.exec("SELECT pg_catalog.pg_create_logical_replication_slot(" + sql_text(name) + ", 'pgoutput')");
  if (!made) {
    Error error = std::move(made).error();
    if (error.code == Code::kTimedOut) {
      const std::string who = who_writes(server, connection.database());
      error.message = "a transaction that writes does not end" + (who.empty() ? "" : ": " + who);
      error.next = "end it, then again";
    }
    return error;
  }
  TRY_VOID(connection.exec("SET statement_timeout = 0; SET lock_timeout = '10s'"));
  return connection.text("SELECT confirmed_flush_lsn FROM pg_catalog.pg_replication_slots WHERE slot_name = $1",
                         {name});
}

Result<void> drop_slot(Connection& connection, const Slot& slot) {
  for (int i = 0;; ++i) {
    auto dropped = connection.exec("SELECT pg_catalog.pg_drop_replication_slot(" + sql_text(slot.name) + ")");
    if (dropped || connection.sqlstate() == "42704") return {};
    if (dropped.error().code != Code::kBusy || i == kDropTries)
      return std::move(dropped).with_context("the slot " + slot.name);
    // What reads it is a session of ours, or one that was killed and lingers.
    TRY_VOID(
        connection.exec("SELECT pg_catalog.pg_terminate_backend(active_pid) FROM pg_catalog.pg_replication_slots WHERE "
                        "active_pid IS NOT "
                        "NULL AND slot_name = " +
                        sql_text(slot.name)));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

Result<std::vector<std::string>> our_publications(Connection& connection) {
  const Rows rows = TRY(connection.query(std::string("SELECT pubname FROM pg_catalog.pg_publication WHERE pubname ") +
                                         kOurSlots + " ORDER BY 1"));
  std::vector<std::string> names;
  for (int i = 0; i < rows.count(); ++i) names.push_back(rows.text(i, 0));
  return names;
}

}  // namespace

std::string slot_name(const std::string& database, const std::string& directory) {
  return "backout_" + sha256_hex(database + "\n" + directory).substr(0, 16);
}

Result<std::optional<Hindrance>> no_slot_because(Connection& database) {
  const Rows row = TRY(database.query(
      "SELECT pg_catalog.current_setting('wal_level'), pg_catalog.current_setting('max_replication_slots')::int - "
      "(SELECT pg_catalog.count(*) FROM pg_catalog.pg_replication_slots)::int, r.rolsuper OR r.rolreplication OR "
      "EXISTS "
      "(SELECT FROM pg_catalog.pg_roles x WHERE x.rolname = 'rds_replication' AND pg_catalog.pg_has_role(x.oid, "
      "'USAGE')), pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'), r.rolname, "
      "(SELECT pg_catalog.count(*) FROM pg_catalog.pg_replication_slots WHERE database = pg_catalog.current_database() "
      "AND slot_name " +
      std::string(kOurSlots) + ")::int FROM pg_catalog.pg_roles r WHERE r.rolname = current_user"));
  if (row.count() == 0) return Error{Code::kInternal, "the role is none of the server's", ""};
  const std::string role = sql_name(row.text(0, 4));
  if (row.text(0, 0) != "logical")
    return std::optional(Hindrance{"wal_level of the server is " + row.text(0, 0) + ", and a slot wants logical",
                                   "set wal_level = logical in postgresql.conf, and start the server anew"});
  // Those of an earlier checkpoint make room.
  if (row.integer(0, 1) < 1 && row.integer(0, 5) < 1)
    return std::optional(Hindrance{"all replication slots of the server are taken",
                                   "raise max_replication_slots, and start the server anew; or drop what nobody reads "
                                   "(pg_replication_slots)"});
  if (!row.flag(0, 2))
    return std::optional(Hindrance{"the role " + row.text(0, 4) + " may not make a replication slot",
                                   "ALTER ROLE " + role + " REPLICATION"});
  if (!row.flag(0, 3))
    return std::optional(
        Hindrance{"the role " + row.text(0, 4) + " may not make a publication in " + database.database(),
                  "GRANT CREATE ON DATABASE " + sql_name(database.database()) + " TO " + role});
  return std::optional<Hindrance>();
}

Result<std::vector<Slot>> our_slots(Connection& connection, const std::string& database) {
  const bool status = connection.server_version() >= kHasWalStatus;
  const Rows rows = TRY(connection.query(
      std::string("SELECT slot_name, coalesce(active_pid, 0), ") +
          (status ? "coalesce(wal_status, '') = 'lost', coalesce(safe_wal_size, -1), " : "false, -1, ") +
          "coalesce(pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), restart_lsn)::pg_catalog.int8, 0), "
          "coalesce(confirmed_flush_lsn::text, '') FROM pg_catalog.pg_replication_slots WHERE database = $1 AND "
          "slot_name " +
          kOurSlots + " ORDER BY 1",
      {database}));
  std::vector<Slot> slots;
  for (int i = 0; i < rows.count(); ++i)
    slots.push_back({rows.text(i, 0), static_cast<int>(rows.integer(i, 1)), rows.flag(i, 2), rows.integer(i, 4),
                     rows.integer(i, 3), rows.text(i, 5)});
  return slots;
}

Result<Json> make_slot(const Server& server, const std::string& database, const std::string& name, Millis wait) {
  auto connection = TRY(Connection::open(server, database));
  if (const auto hindrance = TRY(no_slot_because(connection)))
    return Error{Code::kRefused, hindrance->why, hindrance->next};
  const auto there = TRY(our_slots(connection, database));
  const int64_t free = TRY(
      connection.integer("SELECT pg_catalog.current_setting('max_replication_slots')::int - pg_catalog.count(*) FROM "
                         "pg_catalog.pg_replication_slots"));
  std::set<std::string> keep;  // an earlier checkpoint's stays until this one is whole, when there is room
  for (const Slot& slot : there)
    if (free > 0 && slot.name != name) keep.insert(slot.name);
  TRY(drop_slots(server, database, keep));
  Json kept = TRY(publish(connection, name));
  kept["name"] = name;
  auto position = create_slot(connection, server, name, wait);
  if (position) {
    kept["position"] = *position;
    return kept;
  }
  const auto undone = drop_slots(server, database, keep);
  return undone ? std::move(position).error() : std::move(position).error().followed_by(undone.error());
}

Result<Json> drop_slots(const Server& server, const std::string& database, const std::set<std::string>& keep,
                        const std::string& only) {
  auto connection = TRY(Connection::open(server, database));
  const auto stays = [&](const std::string& name) { return keep.contains(name) || (!only.empty() && name != only); };
  Json dropped = Json::array();
  for (const Slot& slot : TRY(our_slots(connection, connection.database()))) {
    if (stays(slot.name)) continue;
    TRY_VOID(drop_slot(connection, slot));
    dropped.push_back({{"name", slot.name}, {"held", slot.held}});
  }
  for (const std::string& name : TRY(our_publications(connection)))
    if (!stays(name)) TRY_VOID(connection.exec("DROP PUBLICATION IF EXISTS " + sql_name(name)));
  return dropped;
}

Result<void> drop_publications(const Server& server, const std::string& database) {
  auto connection = TRY(Connection::open(server, database));
  for (const std::string& name : TRY(our_publications(connection)))
    TRY_VOID(connection.exec("DROP PUBLICATION IF EXISTS " + sql_name(name)));
  return {};
}

Result<std::vector<std::string>> refused_by_publication(Connection& database) {
  const Rows rows = TRY(database.query(
      "SELECT DISTINCT t.schemaname || '.' || t.tablename FROM pg_catalog.pg_publication_tables t JOIN "
      "pg_catalog.pg_namespace n ON n.nspname = t.schemaname JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND "
      "c.relname = t.tablename WHERE t.pubname " +
      std::string(kOurSlots) + " AND c.relkind = 'r' AND NOT " + fit("c") + " ORDER BY 1"));
  std::vector<std::string> tables;
  for (int i = 0; i < rows.count(); ++i) tables.push_back(rows.text(i, 0));
  return tables;
}

Result<Json> run_slots(const Json& args, const driver::Progress&) {
  auto connection = TRY(Connection::open(TRY(server_of(args)), get_string(args, "database")));
  Json slots = Json::array();
  std::set<std::string> named;
  for (const Slot& slot : TRY(our_slots(connection, connection.database()))) {
    slots.push_back({{"name", slot.name}, {"held", slot.held}, {"left", slot.left}, {"lost", slot.lost}});
    named.insert(slot.name);
  }
  // One that was begun and killed: its publication is there alone.
  for (const std::string& name : TRY(our_publications(connection)))
    if (!named.contains(name)) slots.push_back({{"name", name}, {"held", 0}, {"left", -1}, {"lost", false}});
  const auto refused = TRY(refused_by_publication(connection));
  std::string keep_size;
  if (connection.server_version() >= kHasWalStatus)
    keep_size = TRY(connection.text("SELECT pg_catalog.current_setting('max_slot_wal_keep_size')"));
  return Json{{"slots", slots}, {"refused", refused}, {"keep_size", keep_size}};
}

Result<Json> run_drop_slots(const Json& args, const driver::Progress&) {
  const Json dropped =
      TRY(drop_slots(TRY(server_of(args)), get_string(args, "database"), {}, get_string(args, "only")));
  return Json{{"dropped", dropped}};
}

Result<Json> look_at_slots_dropped(const Json& args) {
  auto connection = TRY(Connection::open(TRY(server_of(args)), get_string(args, "database")));
  const auto there = TRY(our_slots(connection, connection.database()));
  if (!there.empty()) return sight(false, "the slot " + there.front().name + " is there still");
  return sight(true, "there is no slot of ours");
}

}  // namespace backout::postgresql
