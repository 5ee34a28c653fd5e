#include "database/postgresql/habits.h"

#include "base/text.h"
#include "database/postgresql/read_migrations.h"
#include "database/postgresql/replay.h"
#include "database/postgresql/statements.h"
#include "database/postgresql/step_down.h"
#include "os/file.h"
#include "schema/postgresql/compare.h"
#include "schema/postgresql/evidence.h"

namespace backout::postgresql {

namespace {

/// Those of earlier releases are remembered by the server, too, and some cannot be prepared as they are remembered:
/// only what holds on the schema of now says something of a later one.
Result<void> keep_what_holds(Connection& connection, Statements& statements) {
  TRY_VOID(connection.exec("SET search_path = " + statements.search_path));
  std::vector<std::string> holding;
  for (const std::string& text : statements.texts) {
    if (connection.try_prepare(text))
      holding.push_back(text);
    else if (connection.sqlstate().starts_with("08") || connection.sqlstate().starts_with("57P"))
      return Error{Code::kUnavailable, "the connection was lost while statements were tried", ""};
  }
  if (holding.empty() && !statements.texts.empty())
    statements.why_none = "none of those remembered holds on the schema of the checkpoint";
  statements.texts = std::move(holding);
  return {};
}

}  // namespace

std::string habits_beside(const std::string& manifest) { return manifest + ".habits.json"; }

Result<void> save_habits(const Server& server, const std::string& database, const std::string& path, const Json& tool) {
  auto connection = TRY(Connection::open(server, database));
  auto statements = TRY(read_statements(connection));
  TRY_VOID(keep_what_holds(connection, statements));
  const auto migrations = TRY(read_migrations(connection));
  Json habits{{"statements", to_json(statements)}, {"migrations", to_json(migrations)}};
  if (const auto calls = tool.is_object() ? MigrationCalls::of(tool, connection) : Error{Code::kNotFound, "", ""};
      calls && calls->tool().noted != nullptr) {
    if (const auto own = noted_in(connection, *calls))
      habits["own"] = *own;
    else
      habits["own_fault"] = one_line(own.error().message);
  }
  return os::write_file_atomic(path, canonical(habits) + "\n", 0600);
}

Result<schema::Comparison> compare_with_habits(const schema::postgresql::Catalog& wanted,
                                               const schema::postgresql::Catalog& now, Connection& there,
                                               const std::string& path) {
  schema::Comparison comparison = schema::postgresql::compare(wanted, now);
  if (path.empty() || !os::exists(path)) return comparison;
  const Json habits = TRY(parse_json(TRY(os::read_file(path))).with_context(path));
  schema::postgresql::compare_migrations(schema::postgresql::migrations_from_json(get(habits, "migrations")),
                                         TRY(read_migrations(there)), comparison);
  const Statements statements = TRY(statements_from_json(get(habits, "statements")));
  const auto evidence = TRY(replay({.wanted = wanted, .now = now, .there = there}, statements, comparison));
  weigh(comparison, evidence);
  comparison.evidence =
      evidence.tried > 0 ? evidence.words() : "no statement of the old code was tried: " + statements.why_none;
  return comparison;
}

}  // namespace backout::postgresql
