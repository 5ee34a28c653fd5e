// database: where the site keeps its rows, and what is saved of them.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/text.h"
#include "config/read.h"

namespace backout::config {
namespace {

constexpr Millis kBackupTimeout{3600'000};

/// "HH:MM" as minutes of the day; -1 when it is none.
int minute_of_day(std::string_view text) {
  const bool shaped = text.size() == 5 && text[2] == ':' && text.find_first_not_of("0123456789:") == std::string::npos;
  if (!shaped || text.substr(3).find(':') != std::string::npos || text.substr(0, 2).find(':') != std::string::npos)
    return -1;
  const int hour = (text[0] - '0') * 10 + (text[1] - '0'), minute = (text[3] - '0') * 10 + (text[4] - '0');
  return hour < 24 && minute < 60 ? hour * 60 + minute : -1;
}

void read_hours(const Reading& reading, const Node& node, BackupsConfig& backups) {
  const std::string text = text_at(node, "at");
  if (text.empty()) return;
  const std::vector<std::string> ends = split(text, '-');
  if (ends.size() == 2) {
    backups.from_minute = minute_of_day(trimmed(ends[0]));
    backups.to_minute = minute_of_day(trimmed(ends[1]));
  }
  if (backups.from_minute < 0 || backups.to_minute < 0 || backups.from_minute == backups.to_minute)
    reading.findings.error(node.find("at")->place,
                           fmt::format("database.backups.at is '{}': expected two times of day", shortened(text, 60)),
                           "for example: at: \"03:00-05:00\"");
}

std::optional<BackupsConfig> read_backups(const Reading& reading, const Node& database) {
  const Node* node = database.find("backups");
  if (node == nullptr || !node->is_map()) return std::nullopt;
  require(reading, *node, "database.backups", "dir");
  BackupsConfig backups{.dir = path_at(reading, *node, "dir"), .match = text_at(*node, "match")};
  backups.keep = span_at(*node, "keep", backups.keep);
  backups.every = span_at(*node, "every", backups.every);
  backups.by_restoring = text_at(*node, "verify", "restore") != "read";
  read_hours(reading, *node, backups);
  const CommandDefaults defaults{
      .cwd = reading.site.directory, .relative_to = reading.site.directory, .timeout = kBackupTimeout};
  if (const Node* make = node->find("make")) backups.make = command_of(*make, defaults);
  if (const Node* restore = node->find("restore")) backups.restore = command_of(*restore, defaults);
  return backups;
}

void read_sqlite(const Reading& reading, const Node& sqlite, DatabaseConfig& database) {
  database.kind = "sqlite";
  if (sqlite.is_map()) require(reading, sqlite, "database.sqlite", "file");
  database.args = {{"file", path_at(reading, sqlite, "file")}, {"tables", texts_at(sqlite, "tables")}};
  database.host = text_at(sqlite, "host");
  if (const Node* host = sqlite.find("host"); host != nullptr && host->is_text())
    check_host(reading, host->place, host->text);
  else if (reading.site.hosts.size() > 1)
    reading.findings.error(sqlite.place,
                           "database.sqlite: 'host' is missing: the site has several hosts, and the file lies on one",
                           fmt::format("for example: host: {}", reading.site.hosts.front().name));
}

/// A password in a connection string would stand in every plan.
bool has_password(std::string_view dsn) {
  if (dsn.find("password") != std::string_view::npos) return true;
  const size_t scheme = dsn.find("://"), at = dsn.find('@');
  return scheme != std::string_view::npos && at != std::string_view::npos && at > scheme &&
         dsn.substr(scheme + 3, at - scheme - 3).find(':') != std::string_view::npos;
}

constexpr Millis kArchiveWait{60'000};

void read_pgbackrest(const Reading& reading, const Node& postgresql, DatabaseConfig& database) {
  const Node* node = postgresql.find("pgbackrest");
  if (node == nullptr || !node->is_map()) return;
  if (!require(reading, *node, "database.postgresql.pgbackrest", "stanza")) return;
  Json repository{{"stanza", text_at(*node, "stanza")},
                  {"user", text_at(*node, "user", "postgres")},
                  {"dump", flag_at(*node, "dump", true)},
                  {"verify", text_at(*node, "verify", "restore")},
                  {"archive_wait_ms", span_at(*node, "archive_wait", kArchiveWait).count()}};
  if (const std::string config = path_at(reading, *node, "config"); !config.empty()) repository["config"] = config;
  if (const std::string directory = text_at(*node, "directory"); !directory.empty())
    repository["directory"] = directory;
  for (const Node& word : items_at(*node, "command")) repository["command"].push_back(word.text);
  if (node->find("verify") != nullptr && get_bool(repository, "dump"))
    reading.findings.warning(node->place,
                             "database.postgresql.pgbackrest.verify says nothing: the dump is what is proved",
                             "add dump: false, or leave verify out");
  database.args["pgbackrest"] = std::move(repository);
}

void read_postgresql(const Reading& reading, const Node& node, DatabaseConfig& database) {
  database.kind = "postgresql";
  const std::string service = text_at(node, "service"), dsn = text_at(node, "dsn");
  const std::string name = text_at(node, "database");
  if (!service.empty() && !dsn.empty())
    reading.findings.error(node.place, "database.postgresql: service or dsn, not both");
  if (service.empty() && dsn.empty() && name.empty())
    reading.findings.error(node.place, "database.postgresql: which database? service, dsn or database is missing",
                           "for example: postgresql: {service: shop}");
  if (const Node* place = node.find("dsn"); place != nullptr && has_password(dsn))
    reading.findings.error(place->place, "database.postgresql.dsn holds a password",
                           "put it into a file of mode 0600 and name that: password: /etc/shop/db-password");
  database.args = {{"server", service.empty() ? dsn : "service=" + service},
                   {"database", name},
                   {"maintenance", text_at(node, "maintenance", "postgres")},
                   {"jobs", whole_at(node, "jobs", 2)},
                   {"tables", texts_at(node, "tables")},
                   {"fill", texts_at(node, "fill")}};
  for (const Node& pooler : items_at(node, "poolers")) {
    if (has_password(pooler.text))
      reading.findings.error(pooler.place, "database.postgresql.poolers holds a password",
                             "put it into ~/.pgpass of whoever runs backout");
    database.args["poolers"].push_back(pooler.text);
  }
  if (const std::string pool = text_at(node, "pool"); !pool.empty()) database.args["pool"] = pool;
  if (const std::string password = text_at(node, "password"); !password.empty())
    database.args["secrets"] = {{"PGPASSWORD", password}};
  if (node.find("keep_replaced") != nullptr)
    database.args["keep_replaced_ms"] = span_at(node, "keep_replaced", Millis(0)).count();
  read_pgbackrest(reading, node, database);
}

constexpr int64_t kMostWal = 4LL << 30;  // bytes

/// "512MB", as PostgreSQL writes sizes; nothing when it is none.
std::optional<int64_t> size_of(std::string_view text) {
  int64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || value <= 0) return std::nullopt;
  const std::string_view unit = trimmed(text.substr(static_cast<size_t>(end - text.data())));
  int shift = 10;
  for (const std::string_view each : {"kB", "MB", "GB", "TB"}) {
    if (unit == each) return value > (int64_t{1} << 62) >> shift ? std::nullopt : std::optional(value << shift);
    shift += 10;
  }
  return std::nullopt;
}

void read_rescue(const Reading& reading, const Node& database_node, DatabaseConfig& database) {
  const Node* node = database_node.find("rescue");
  if (node == nullptr || !node->is_map()) return;
  for (const auto& [table, word] : texts_at(*node, "tables")) {
    const std::string said = get_string(get(database.args, "tables"), table, word);
    if (said != word)
      reading.findings.error(node->place, fmt::format("database.rescue.tables: {} is '{}' here and '{}' in tables of "
                                                      "the database",
                                                      table, word, said));
    database.args["tables"][table] = word;
  }
  if (text_at(*node, "capture") != "slot") return;
  if (database.kind != "postgresql")
    return reading.findings.warning(node->place, "database.rescue.capture: only a PostgreSQL server has slots",
                                    "rows are found by comparing with the checkpoint");
  const std::string most = text_at(*node, "max_wal");
  const auto size = most.empty() ? std::optional(kMostWal) : size_of(most);
  if (!size)
    reading.findings.error(node->place, fmt::format("database.rescue.max_wal: '{}' is no size", one_line(most)),
                           "for example: max_wal: 4GB");
  database.args["capture"] = "slot";
  database.args["max_wal"] = size.value_or(kMostWal);
}

constexpr std::string_view kMigrators[] = {"django", "rails", "knex", "prisma", "alembic", "sql", "command"};
constexpr Millis kMigrationTime{600'000};

void read_migrations(const Reading& reading, const Node& database_node, DatabaseConfig& database) {
  const Node* node = database_node.find("migrations");
  if (node == nullptr || !node->is_map()) return;
  if (database.kind != "postgresql")
    return reading.findings.warning(node->place, "database.migrations: only a PostgreSQL database is stepped down",
                                    "SQLite's schemas are compared as they are found");
  Json migrations = Json::object();
  for (const std::string_view tool : kMigrators) {
    const Node* one = node->find(tool);
    if (one == nullptr) continue;
    if (migrations.contains("tool")) reading.findings.error(one->place, "database.migrations: one tool, not several");
    migrations["tool"] = tool;
    migrations["how"] = Json::object();
    if (tool == "command" && one->is_map())
      for (const char* key : {"list", "down"}) require(reading, *one, "database.migrations.command", key);
    for (const char* key : {"manage", "command", "schema", "files", "table", "column", "list", "down", "show"})
      if (const std::string value = text_at(*one, key); !value.empty()) migrations["how"][key] = value;
  }
  if (!migrations.contains("tool"))
    return reading.findings.error(node->place, "database.migrations: which tool?",
                                  "for example: migrations: {django: {manage: venv/bin/python manage.py}}");
  migrations["directory"] = text_at(*node, "directory");
  migrations["environment"] = texts_at(*node, "environment");
  migrations["user"] = text_at(*node, "user");
  migrations["timeout_ms"] = span_at(*node, "timeout", kMigrationTime).count();
  for (const auto& [name, place] : texts_at(*node, "secrets")) database.args["secrets"][name] = place;
  database.args["migrations"] = std::move(migrations);
}

}  // namespace

void read_database(const Reading& reading) {
  const Node* node = reading.root.find("database");
  if (node == nullptr || !node->is_map()) return;
  const Node* sqlite = node->find("sqlite");
  const Node* postgresql = node->find("postgresql");
  if ((sqlite != nullptr) == (postgresql != nullptr))
    reading.findings.error(node->place, "database: exactly one of sqlite, postgresql",
                           "for example: sqlite: {file: /srv/shop/db.sqlite3}");
  DatabaseConfig database;
  if (sqlite != nullptr)
    read_sqlite(reading, *sqlite, database);
  else if (postgresql != nullptr)
    read_postgresql(reading, *postgresql, database);
  read_migrations(reading, *node, database);
  read_rescue(reading, *node, database);
  database.backups = read_backups(reading, *node);
  reading.site.database = std::move(database);
}

}  // namespace backout::config
