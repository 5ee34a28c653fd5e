// Tools whose down is code: Django (which shows its SQL), Rails, Knex, and a team's own.
#include "database/postgresql/migration_tools.h"

#include <algorithm>

#include "base/text.h"
#include "database/postgresql/connection.h"
#include "database/postgresql/migration_calls.h"
#include "os/file.h"

namespace backout::postgresql {
namespace {

std::string manage(const Json& how) { return get_string(how, "manage", "python3 manage.py"); }

/// "shop.0004_gift" as "shop" and "0004_gift".
std::pair<std::string, std::string> django_name(const std::string& migration) {
  const size_t dot = migration.find('.');
  if (dot == std::string::npos) return {migration, ""};
  return {migration.substr(0, dot), migration.substr(dot + 1)};
}

Listed in_order(Listed listed) {
  std::sort(listed.applied.begin(), listed.applied.end());
  std::sort(listed.pending.begin(), listed.pending.end());
  return listed;
}

/// "[X]  shop.0001_initial" and "[ ]  shop.0002_gift", with notes behind them in newer versions.
Result<Listed> listed_by_django(const std::string& out) {
  Listed listed;
  for (const std::string& line : split(out, '\n')) {
    const std::string_view text = trimmed(line);
    const bool applied = text.starts_with("[X]") || text.starts_with("[x]");
    if (!applied && !text.starts_with("[ ]")) continue;
    const std::string rest(trimmed(text.substr(3)));
    (applied ? listed.applied : listed.pending).push_back(rest.substr(0, rest.find(' ')));
  }
  return in_order(std::move(listed));
}

std::string rails(const Json& how) { return get_string(how, "command", "bin/rails"); }

/// "   up     20240101000001  Create shop"
Result<Listed> listed_by_rails(const std::string& out) {
  Listed listed;
  for (const std::string& line : split(out, '\n')) {
    const std::string text(trimmed(line));
    const bool applied = text.starts_with("up ");
    if (!applied && !text.starts_with("down ")) continue;
    const std::string rest(trimmed(text.substr(text.find(' '))));
    const std::string version = rest.substr(0, rest.find(' '));
    if (version.find_first_not_of("0123456789") != std::string::npos) continue;
    (applied ? listed.applied : listed.pending).push_back(version);
  }
  return in_order(std::move(listed));
}

/// The file of a directory whose name begins so.
std::string file_starting(const std::string& directory, const std::string& start) {
  const auto names = os::list_directory(directory);
  if (!names) return "";
  for (const std::string& name : *names)
    if (name.starts_with(start)) return directory + "/" + name;
  return "";
}

Error no_code(const Down& down, const std::string& where) {
  return {Code::kRefused, "there is no code of " + one_line(down.name) + " in " + where, ""};
}

Result<void> look_into_rails(const MigrationCalls& calls, const std::string&, Down& down) {
  down.file = file_starting(calls.directory() + "/db/migrate", down.name + "_");
  if (down.file.empty()) return no_code(down, calls.directory() + "/db/migrate");
  const std::string code = TRY(os::read_file(down.file, 1 << 20));
  if (code.find("IrreversibleMigration") != std::string::npos)
    return Error{Code::kRefused, one_line(down.name) + " is irreversible: its down raises IrreversibleMigration",
                 "the database is restored instead; or a migration of your own that takes it back, or mend it forward"};
  return {};
}

std::string knex(const Json& how) { return get_string(how, "command", "npx knex"); }

/// "Found 2 Completed Migration file/files.", names, "No Pending Migration files Found."
Result<Listed> listed_by_knex(const std::string& out) {
  Listed listed;
  std::vector<std::string>* to = nullptr;
  for (const std::string& line : split(out, '\n')) {
    const std::string text(trimmed(line));
    if (text.find("Completed Migration") != std::string::npos)
      to = &listed.applied;
    else if (text.find("Pending Migration") != std::string::npos)
      to = &listed.pending;
    else if (to != nullptr && !text.empty())
      to->push_back(text.substr(0, text.find(' ')));
  }
  return in_order(std::move(listed));
}

Result<void> look_into_knex(const MigrationCalls& calls, const std::string&, Down& down) {
  for (const char* place : {"migrations", "db/migrations", "src/migrations", "database/migrations"})
    if (const std::string file = calls.directory() + "/" + place + "/" + down.name; os::exists(file)) down.file = file;
  if (down.file.empty()) return {};  // the knexfile may say where; the trial will find it
  const std::string code = TRY(os::read_file(down.file, 1 << 20));
  if (code.find("down") == std::string::npos)
    return Error{Code::kRefused, one_line(down.name) + " is irreversible: it has no down",
                 "the database is restored instead; or write one, or mend it forward"};
  return {};
}

std::vector<std::string> lines_of(const std::string& out) {
  std::vector<std::string> names;
  if (const auto json = parse_json(out); json && json->is_array()) {
    for (const Json& each : *json)
      if (each.is_string()) names.push_back(each.get<std::string>());
    return names;
  }
  for (const std::string& line : split(out, '\n'))
    if (const auto text = trimmed(line); !text.empty()) names.emplace_back(text);
  return names;
}

Result<std::vector<std::string>> noted_by_own(const MigrationCalls& calls, Connection& connection) {
  const auto ran = TRY(calls.run(calls.tool().list(calls.how()), connection.database(), MigrationCalls::May::kLook));
  if (!ran.ok()) return Error{Code::kUnavailable, "its list fails: " + calls.complaint(ran), ""};
  return lines_of(ran.out);
}

Result<void> show_own(const MigrationCalls& calls, const std::string& database, Down& down) {
  const std::string show = get_string(calls.how(), "show");
  down.file = get_string(calls.how(), "down");
  if (show.empty()) return {};
  const auto ran = TRY(calls.run(user_words(show, {down.name}), database, MigrationCalls::May::kLook));
  if (!ran.ok())
    return Error{Code::kRefused,
                 "what undoing " + one_line(down.name) + " does cannot be shown: " + calls.complaint(ran),
                 "the database is restored instead"};
  down.sql = ran.out;
  return {};
}

Argv nothing_to_show(const Json&, const Down&) { return {}; }

}  // namespace

const MigrationTool& django_tool() {
  static const MigrationTool tool{
      .kind = "django",
      .books = "Django",
      .in_order = "SELECT app || '.' || name FROM %T ORDER BY id",
      .list =
          [](const Json& how) {
            return user_words(manage(how), {"showmigrations", "--plan", "--no-color"});
          },
      .listed = &listed_by_django,
      .show =
          [](const Json& how, const Down& down) {
            const auto [app, name] = django_name(down.name);
            return user_words(manage(how), {"sqlmigrate", app, name, "--backwards", "--no-color"});
          },
      .down =
          [](const Json& how, const Down& down) {
            const std::string app = django_name(down.name).first;
            const std::string target = down.before.empty() ? "zero" : django_name(down.before).second;
            return user_words(manage(how), {"migrate", app, target, "--noinput", "--no-color"});
          },
      .irreversible = {"IrreversibleError", "is not reversible"},
      .mend = "finish it by hand and note it (manage.py migrate APP NAME --fake), or take its half back by SQL",
      .harmless =
          [](const Json& how, const Down& down) {
            const auto [app, name] = django_name(down.before.empty() ? down.name : down.before);
            return user_words(manage(how),
                              {"migrate", app, down.before.empty() ? "zero" : name, "--plan", "--noinput"});
          }};
  return tool;
}

const MigrationTool& rails_tool() {
  static const MigrationTool tool{
      .kind = "rails",
      .books = "Rails",
      .in_order = "SELECT version FROM %T ORDER BY version",
      .list = [](const Json& how) { return user_words(rails(how), {"db:migrate:status"}); },
      .listed = &listed_by_rails,
      .show = &nothing_to_show,
      .down =
          [](const Json& how, const Down& down) {
            return user_words(rails(how), {"db:migrate:down", "VERSION=" + down.name});
          },
      .irreversible = {"IrreversibleMigration"},
      .mend = "finish it by hand and note it (INSERT INTO schema_migrations), or take its half back by SQL",
      .environment = {{"RAILS_ENV", "production"},
                      {"DISABLE_DATABASE_ENVIRONMENT_CHECK", "1"},
                      {"SCHEMA", "/dev/null"}},  // else it writes db/schema.rb into the release
      // There is no such migration, which it sees when it is connected.
      .harmless =
          [](const Json& how, const Down&) {
            return user_words(rails(how), {"db:migrate:down", "VERSION=1"});
          },
      .prepare_down = &look_into_rails};
  return tool;
}

const MigrationTool& knex_tool() {
  static const MigrationTool tool{.kind = "knex",
                                  .books = "Knex",
                                  .in_order = "SELECT name FROM %T ORDER BY id",
                                  .list = [](const Json& how) { return user_words(knex(how), {"migrate:list"}); },
                                  .listed = &listed_by_knex,
                                  .show = &nothing_to_show,
                                  .down =
                                      [](const Json& how, const Down& down) {
                                        return user_words(knex(how), {"migrate:down", down.name});
                                      },
                                  .irreversible = {"irreversible", "Irreversible"},
                                  .mend = "free its lock (knex migrate:unlock), then take its half back by SQL",
                                  .environment = {{"NODE_ENV", "production"}},
                                  .harmless =
                                      [](const Json& how, const Down&) {
                                        return user_words(knex(how), {"migrate:down", "backout-looks.js"});
                                      },
                                  .prepare_down = &look_into_knex};
  return tool;
}

const MigrationTool& own_tool() {
  static const MigrationTool tool{
      .kind = "command",
      .books = "",
      .in_order = "",
      .list = [](const Json& how) { return user_words(get_string(how, "list"), {}); },
      .listed = [](const std::string& out) -> Result<Listed> {
        return in_order({lines_of(out), {}});
      },
      .show = &nothing_to_show,
      .down = [](const Json& how, const Down& down) { return user_words(get_string(how, "down"), {down.name}); },
      .irreversible = {"irreversible"},
      .mend = "take its half back by SQL",
      .noted = &noted_by_own,
      .prepare_down = &show_own};
  return tool;
}

}  // namespace backout::postgresql
