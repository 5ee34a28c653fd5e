#include "database/postgresql/create.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/hash.h"
#include "base/ids.h"
#include "base/text.h"
#include "database/postgresql/dump_files.h"
#include "database/postgresql/names.h"
#include "database/postgresql/sessions.h"
#include "os/file.h"

namespace backout::postgresql {
namespace {

constexpr const char* kUnfinished = "_part_";
constexpr size_t kTailDigits = 8;
constexpr size_t kTail = 6 + kTailDigits;
constexpr Millis kSessionsEnd{10'000};
constexpr Millis kLook{5};
constexpr int kHasForceLocale = 150000, kHasBuiltin = 170000;

/// Their values are lists of names: '"$user", public'. Each name must become a literal of its own.
bool is_list(std::string_view setting) {
  static constexpr std::array<std::string_view, 6> kLists = {"search_path",
                                                             "temp_tablespaces",
                                                             "local_preload_libraries",
                                                             "session_preload_libraries",
                                                             "shared_preload_libraries",
                                                             "unix_socket_directories"};
  return std::find(kLists.begin(), kLists.end(), setting) != kLists.end();
}

std::string list_as_literals(std::string_view value) {
  std::vector<std::string> names;
  std::string name;
  bool quoted = false, any = false;
  const auto end = [&] {
    const std::string whole = any ? name : std::string(trimmed(name));
    if (any || !whole.empty()) names.push_back(sql_text(whole));
    name.clear();
    any = false;
  };
  for (size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '"') {
      if (quoted && i + 1 < value.size() && value[i + 1] == '"')
        name += value[i++];
      else
        quoted = !quoted, any = true;
    } else if (value[i] == ',' && !quoted) {
      end();
    } else if (quoted || value[i] != ' ') {
      name += value[i];
    }
  }
  end();
  return names.empty() ? "''" : join(names, ", ");
}

std::string base_of_unfinished(const std::string& name) {
  if (name.size() + kTail <= kLongestName) return name + kUnfinished;
  // Too long for more: a part of it, still ours, still its own.
  const std::string own = "__backout_" + sha256_hex(name).substr(0, kTailDigits);
  return start_of(name, kLongestName - kTail - own.size()) + own + kUnfinished;
}

/// What the session that makes or drops a database calls itself: it lives for as long as somebody is at it.
std::string session_for(const std::string& name) { return "backout " + sha256_hex(name).substr(0, 16); }

Json dress_to_json(const DatabaseFacts& dress) {
  Json value = to_json(dress);
  value.erase("settings");  // anybody may read a comment, and settings may hold secrets
  return value;
}

}  // namespace

Result<std::optional<Note>> read_note(Connection& connection, const std::string& database) {
  const std::string comment = TRY(connection.text(
      "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = $1 AND datconnlimit <> -2",
      {database}));
  const auto parsed = parse_json(comment);
  if (!parsed || get_int(*parsed, "backout") != 1) return std::optional<Note>();
  const auto dress = database_facts_from_json(get(*parsed, "dress"));
  if (!dress) return std::optional<Note>();
  return std::optional(Note{get_string(*parsed, "made_from"), get_string(*parsed, "made_at"), *dress});
}

Result<bool> is_half_dropped(Connection& connection, const std::string& database) {
  return TRY(connection.integer("SELECT count(*) FROM pg_database WHERE datname = $1 AND datconnlimit = -2",
                                {database})) != 0;
}

std::string note_statement(const std::string& database, const Note& note) {
  const Json value{
      {"backout", 1}, {"made_from", note.made_from}, {"made_at", note.made_at}, {"dress", dress_to_json(note.dress)}};
  return "COMMENT ON DATABASE " + sql_name(database) + " IS " + sql_text(canonical(value));
}

std::vector<std::string> dress_statements(const std::string& database, const DatabaseFacts& dress) {
  const std::string name = sql_name(database);
  std::vector<std::string> all{"ALTER DATABASE " + name + " OWNER TO " + sql_name(dress.owner),
                               "REVOKE ALL ON DATABASE " + name + " FROM PUBLIC, " + sql_name(dress.owner)};
  for (const Grant& grant : dress.grants)
    all.push_back(fmt::format("GRANT {} ON DATABASE {} TO {}{}", grant.privilege, name,
                              grant.grantee.empty() ? "PUBLIC" : sql_name(grant.grantee),
                              grant.grantable ? " WITH GRANT OPTION" : ""));
  all.push_back(fmt::format("ALTER DATABASE {} CONNECTION LIMIT {}", name, dress.connection_limit));
  all.push_back("COMMENT ON DATABASE " + name + " IS " +
                (dress.comment.empty() ? std::string("NULL") : sql_text(dress.comment)));
  return all;
}

Result<Connection> open_maintenance(const Server& server, const std::string& database) {
  auto usual = Connection::open(server, database.empty() ? "postgres" : database);
  if (usual || !database.empty() || usual.error().code != Code::kNotFound) return usual;
  return Connection::open(server, "template1");
}

Result<Connection> open_maintenance_for(const Server& server, const std::string& database, const std::string& name) {
  auto connection = TRY(open_maintenance(server, database));
  const std::string ours = session_for(name);
  const BootTime until = system_clock().boot() + kSessionsEnd;
  while (true) {
    const Rows rows = TRY(
        connection.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1", {ours}));
    if (rows.count() == 0) break;
    if (system_clock().boot() > until)
      return Error{Code::kBusy, "an earlier try still works at " + name, "wait until it ends, then again"};
    system_clock().wait(kLook, {});
  }
  TRY_VOID(connection.exec("SET application_name = " + sql_text(ours)));
  return connection;
}

Result<void> create_empty(Connection& connection, const std::string& name, const DatabaseFacts& facts) {
  std::string sql = "CREATE DATABASE " + sql_name(name) + " TEMPLATE template0 ENCODING " + sql_text(facts.encoding) +
                    " LC_COLLATE " + sql_text(facts.collate) + " LC_CTYPE " + sql_text(facts.ctype);
  if (connection.server_version() >= kHasForceLocale) sql += " LOCALE_PROVIDER " + facts.provider;
  if (facts.provider == "icu") sql += " ICU_LOCALE " + sql_text(facts.locale);
  if (facts.provider == "builtin" && connection.server_version() >= kHasBuiltin)
    sql += " BUILTIN_LOCALE " + sql_text(facts.locale);
  if (!facts.rules.empty()) sql += " ICU_RULES " + sql_text(facts.rules);
  if (facts.tablespace != "pg_default" && !facts.tablespace.empty()) sql += " TABLESPACE " + sql_name(facts.tablespace);
  TRY_VOID(connection.exec(sql).with_context("making the database " + name));
  return connection.exec("REVOKE ALL ON DATABASE " + sql_name(name) + " FROM PUBLIC");
}

Result<void> create_copy(Connection& connection, const std::string& name, const std::string& kept) {
  std::string sql = "CREATE DATABASE " + sql_name(name) + " TEMPLATE " + sql_name(kept);
  // Copies files instead of writing every block into the log, which standbys and slots would have to read.
  if (connection.server_version() >= kHasForceLocale) sql += " STRATEGY FILE_COPY";
  TRY_VOID(connection.exec(sql).with_context("copying the database " + kept));
  return connection.exec("REVOKE ALL ON DATABASE " + sql_name(name) + " FROM PUBLIC");
}

namespace {
bool set_as(Connection& connection, const std::string& role, const std::string& statement) {
  if (connection.exec("BEGIN; SET LOCAL ROLE " + sql_name(role) + "; " + statement + "; COMMIT")) return true;
  (void)connection.exec("ROLLBACK");
  return false;
}
}  // namespace

Result<std::vector<std::string>> put_settings(Connection& connection, const std::string& name,
                                              const DatabaseFacts& facts) {
  std::vector<std::string> refused;
  for (const Setting& setting : facts.settings) {
    const std::string whose = setting.role.empty()
                                  ? "ALTER DATABASE " + sql_name(name)
                                  : "ALTER ROLE " + sql_name(setting.role) + " IN DATABASE " + sql_name(name);
    // A setting's name may have a dot (shop.tenant): two names.
    const size_t dot = setting.name.find('.');
    const std::string what = dot == std::string::npos
                                 ? sql_name(setting.name)
                                 : sql_name(setting.name.substr(0, dot), setting.name.substr(dot + 1));
    const std::string statement = whose + " SET " + what + " TO " +
                                  (is_list(setting.name) ? list_as_literals(setting.value) : sql_text(setting.value));
    auto set = connection.exec(statement);
    // A role may set its own, and whoever is a member may become it.
    if (!set && set.error().code == Code::kDenied && !setting.role.empty() &&
        set_as(connection, setting.role, statement))
      continue;
    if (set) continue;
    if (set.error().code == Code::kUnavailable) return set.error();
    refused.push_back(fmt::format("the setting {}{} is not put on: {}", setting.name,
                                  setting.role.empty() ? "" : " of the role " + setting.role, set.error().message));
  }
  return refused;
}

Result<void> empty_of_sessions(Connection& connection, const std::string& name) {
  const auto there = TRY(find_database(connection, name));
  if (there) TRY(end_sessions(connection, there->oid, {}, kSessionsEnd));
  return {};
}

Result<bool> drop_database(Connection& connection, const std::string& name) {
  if (!is_ours(name)) return Error{Code::kInvalid, "the database " + name + " was not made by backout", ""};
  if (!TRY(find_database(connection, name))) return false;
  // An earlier try, whose process was killed, may end at the server at any moment: then it is gone.
  if (!TRY(is_half_dropped(connection, name)))
    if (auto closed = close_database(connection, name); !closed)
      return closed.error().code == Code::kNotFound ? Result<bool>(true) : std::move(closed).error();
  TRY_VOID(empty_of_sessions(connection, name));
  auto dropped = connection.exec("DROP DATABASE " + sql_name(name));
  if (!dropped && dropped.error().code != Code::kNotFound)
    return std::move(dropped).error().with_context("dropping " + name);
  return true;
}

std::string unfinished_name(const std::string& name) { return base_of_unfinished(name) + random_hex(kTailDigits / 2); }

Result<void> require_room_on_server(Connection& connection, uint64_t bytes) {
  const char* host = PQhost(connection.raw());
  if (host == nullptr || host[0] != '/') return {};
  const auto directory = connection.text("SELECT current_setting('data_directory')");
  if (!directory || !os::exists(*directory)) return {};
  return require_space(*directory, bytes, "restoring beside");
}

Result<std::vector<std::string>> unfinished_of(Connection& connection, const std::string& name) {
  const Rows rows = TRY(connection.query(
      "SELECT datname FROM pg_database WHERE starts_with(datname, $1) AND length(datname) = length($1) + $2::int",
      {base_of_unfinished(name), std::to_string(kTailDigits)}));
  std::vector<std::string> names;
  for (int i = 0; i < rows.count(); ++i) names.push_back(rows.text(i, 0));
  return names;
}

Result<void> drop_unfinished(Connection& connection, const std::string& name) {
  for (const std::string& left : TRY(unfinished_of(connection, name))) TRY(drop_database(connection, left));
  return {};
}

Result<int> drop_left_by_tests(Connection& connection, const std::string& database) {
  int dropped = 0;
  const Rows rows = TRY(
      connection.query("SELECT datname FROM pg_database WHERE starts_with(datname, $1)", {start_of_tests(database)}));
  for (int i = 0; i < rows.count(); ++i) {
    const std::string left = rows.text(i, 0), test = left.substr(0, left.rfind(kUnfinished));
    const int64_t at_work = TRY(
        connection.integer("SELECT count(*) FROM pg_stat_activity WHERE application_name = $1", {session_for(test)}));
    if (at_work == 0 && TRY(drop_database(connection, left))) ++dropped;
  }
  return dropped;
}

}  // namespace backout::postgresql
