// Tools of which the SQL of a down is at hand: Alembic, which prints it; Prisma, whose way back is the difference of
// two schema files; pairs of files.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "base/text.h"
#include "database/postgresql/connection.h"
#include "database/postgresql/down_facts.h"
#include "database/postgresql/migration_calls.h"
#include "database/postgresql/migration_tools.h"
#include "os/file.h"

namespace backout::postgresql {
namespace {

constexpr const char* kWayOut =
    "the database is restored instead; or SQL of your own that takes it back, or mend it forward";

using Edges = std::map<std::string, std::string>;  // revision -> the one before it; "<base>" is none

std::string alembic(const Json& how) { return get_string(how, "command", "alembic"); }

/// "ae1027 -> 27c6a3 (head), Add a column"; several before an arrow: a merge.
Result<Edges> edges_of(const std::string& history) {
  Edges edges;
  for (const std::string& line : split(history, '\n')) {
    const size_t arrow = line.find(" -> ");
    if (arrow == std::string::npos) continue;
    const std::string before(trimmed(line.substr(0, arrow)));
    const std::string rest(trimmed(line.substr(arrow + 4)));
    const std::string revision = rest.substr(0, rest.find_first_of(" ,"));
    if (revision.empty()) continue;
    edges[revision] = before == "<base>" ? "" : before;
  }
  if (edges.empty()) return Error{Code::kUnsupported, "alembic history lists no revisions", ""};
  return edges;
}

Result<std::vector<Down>> came_by_alembic(const MigrationCalls& calls, Connection& connection,
                                          const std::vector<std::string>& then, const std::vector<std::string>& now) {
  if (then.size() > 1 || now.size() > 1)
    return Error{Code::kUnsupported, "alembic is at several heads: " + one_line(join(now, ", ")), kWayOut};
  const auto ran =
      TRY(calls.run(user_words(alembic(calls.how()), {"history"}), connection.database(), MigrationCalls::May::kLook));
  if (!ran.ok()) return Error{Code::kRefused, "alembic history fails: " + calls.complaint(ran), kWayOut};
  const Edges edges = TRY(edges_of(ran.out));
  const std::string goal = then.empty() ? "" : then.front();
  std::vector<Down> downs;
  for (std::string at = now.empty() ? "" : now.front(); at != goal;) {
    const auto edge = edges.find(at);
    if (edge == edges.end() || edge->second.find(',') != std::string::npos)
      return Error{Code::kUnsupported,
                   "alembic's revisions do not lead from " + one_line(now.front()) + " back to " +
                       (goal.empty() ? "the beginning" : one_line(goal)) + " in one line",
                   kWayOut};
    Down down{.name = at, .before = edge->second, .after = {}};
    if (!edge->second.empty()) down.after = {edge->second};
    downs.push_back(std::move(down));
    at = edge->second;
  }
  return downs;
}

/// Statements but those about the tool's own table.
int statements_but_books(const std::string& sql, std::string_view table) {
  const DownFacts facts = facts_of_down(sql);
  const auto of_books = [&](const std::string& what) { return what.ends_with(" " + std::string(table)); };
  return facts.statements - static_cast<int>(std::count_if(facts.writes.begin(), facts.writes.end(), of_books));
}

Result<void> show_alembic(const MigrationCalls& calls, const std::string& database, Down& down) {
  const std::string before = down.before.empty() ? "base" : down.before;
  const auto sql_of = [&](const char* way, const std::string& range) -> Result<std::string> {
    const auto ran =
        TRY(calls.run(user_words(alembic(calls.how()), {way, range, "--sql"}), database, MigrationCalls::May::kLook));
    if (ran.ok()) return ran.out;
    const bool irreversible = ran.err.find("NotImplementedError") != std::string::npos;
    return Error{Code::kRefused,
                 one_line(down.name) + (irreversible ? " is irreversible: " : ": its SQL cannot be shown: ") +
                     calls.complaint(ran),
                 kWayOut};
  };
  down.sql = TRY(sql_of("downgrade", down.name + ":" + before));
  if (auto up = sql_of("upgrade", before + ":" + down.name)) down.up = std::move(*up);
  if (statements_but_books(down.sql, "alembic_version") == 0 && statements_but_books(down.up, "alembic_version") > 0)
    return Error{Code::kRefused, one_line(down.name) + " is irreversible: its downgrade does nothing", kWayOut};
  return {};
}

/// Prisma has no down: all that came goes in one step, by the difference of the schema files.
Result<std::vector<Down>> came_by_prisma(const MigrationCalls& calls, Connection&, const std::vector<std::string>& then,
                                         const std::vector<std::string>& now) {
  const auto each = TRY(came_since(calls.tool(), then, now));
  if (each.empty()) return std::vector<Down>();
  std::vector<std::string> names;
  for (const Down& down : each) names.push_back(down.name);
  return std::vector<Down>{Down{.name = join(names, ", "), .before = each.back().before, .after = each.back().after}};
}

Result<void> show_prisma(const MigrationCalls& calls, const std::string& database, Down& down) {
  const std::string schema = get_string(calls.how(), "schema", "prisma/schema.prisma");
  const std::string old_schema = calls.previous() + "/" + schema;
  if (calls.previous().empty() || !os::exists(old_schema))
    return Error{Code::kRefused,
                 "prisma has no down, and the schema file of the release that comes back is not at hand" +
                     (calls.previous().empty() ? std::string() : " (" + old_schema + ")"),
                 kWayOut};
  const std::string command = get_string(calls.how(), "command", "npx prisma");
  const auto ran = TRY(calls.run(user_words(command, {"migrate", "diff", "--from-schema-datamodel", schema,
                                                      "--to-schema-datamodel", old_schema, "--script"}),
                                 database, MigrationCalls::May::kLook));
  if (!ran.ok()) return Error{Code::kRefused, "prisma migrate diff fails: " + calls.complaint(ran), kWayOut};
  std::vector<std::string> quoted;
  for (const std::string& name : split(down.name, ',')) {
    quoted.push_back(sql_text(trimmed(name)));
    const auto up = os::read_file(calls.directory() + "/" + schema.substr(0, schema.rfind('/') + 1) + "migrations/" +
                                      std::string(trimmed(name)) + "/migration.sql",
                                  1 << 20);
    if (up) down.up += *up + "\n";
  }
  down.by_us = true;
  down.sql = ran.out + "\n;DELETE FROM \"_prisma_migrations\" WHERE migration_name IN (" + join(quoted, ", ") + ");\n";
  return {};
}

std::string files_of(const MigrationCalls& calls) {
  const std::string files = get_string(calls.how(), "files", "migrations");
  return files.starts_with('/') ? files : calls.directory() + "/" + files;
}

std::optional<int64_t> leading_number(std::string_view name) {
  int64_t number = 0;
  const auto [end, failure] = std::from_chars(name.data(), name.data() + name.size(), number);
  return failure == std::errc() && end != name.data() ? std::optional(number) : std::nullopt;
}

/// Names of the pairs ("0002_gift"), in order.
Result<std::vector<std::string>> pairs_in(const std::string& directory) {
  static constexpr std::string_view kUp = ".up.sql";
  std::vector<std::string> names;
  for (const std::string& file : TRY(os::list_directory(directory)))
    if (file.ends_with(kUp)) names.push_back(file.substr(0, file.size() - kUp.size()));
  std::sort(names.begin(), names.end(), [](const std::string& a, const std::string& b) {
    const auto x = leading_number(a), y = leading_number(b);
    return x && y && *x != *y ? *x < *y : a < b;
  });
  return names;
}

/// The pair that a noted value means: its name, the name of its file, or its number.
std::string pair_of(const std::string& noted, const std::vector<std::string>& pairs) {
  for (const std::string& pair : pairs)
    if (noted == pair || noted == pair + ".up.sql") return pair;
  const auto number = leading_number(noted);
  if (!number || noted.find_first_not_of("0123456789") != std::string::npos) return "";
  for (const std::string& pair : pairs)
    if (leading_number(pair) == number) return pair;
  return "";
}

struct Books {
  std::string table, column;  // as SQL
};
Books books_of(const Json& how) {
  const std::string table = get_string(how, "table", "schema_migrations");
  const size_t dot = table.find('.');
  return {dot == std::string::npos ? sql_name("public", table) : sql_name(table.substr(0, dot), table.substr(dot + 1)),
          sql_name(get_string(how, "column", "version"))};
}

/// golang-migrate notes where it is, not what is applied.
Result<bool> notes_one_place(Connection& connection, const Books& books) {
  return TRY(connection.integer("SELECT count(*) FROM pg_catalog.pg_attribute WHERE attrelid = $1::regclass AND "
                                "attname = 'dirty' AND NOT attisdropped",
                                {books.table})) > 0;
}

Result<std::vector<std::string>> noted_by_pairs(const MigrationCalls& calls, Connection& connection) {
  const Books books = books_of(calls.how());
  const std::string directory = files_of(calls);
  const auto pairs = TRY(pairs_in(directory).with_context(directory));
  const Rows rows = TRY(connection.query("SELECT " + books.column + "::text FROM " + books.table));
  std::vector<std::string> noted;
  for (int i = 0; i < rows.count(); ++i) {
    const std::string pair = pair_of(rows.text(i, 0), pairs);
    noted.push_back(pair.empty() ? rows.text(i, 0) : pair);
  }
  if (TRY(notes_one_place(connection, books)) && noted.size() == 1)
    if (const auto at = std::find(pairs.begin(), pairs.end(), noted.front()); at != pairs.end())
      noted.assign(pairs.begin(), at + 1);
  std::sort(noted.begin(), noted.end(), [&](const std::string& a, const std::string& b) {
    return std::find(pairs.begin(), pairs.end(), a) < std::find(pairs.begin(), pairs.end(), b);
  });
  return noted;
}

/// With what its table is told, which depends on what that table looks like.
Result<std::vector<Down>> came_by_pairs(const MigrationCalls& calls, Connection& connection,
                                        const std::vector<std::string>& then, const std::vector<std::string>& now) {
  auto downs = TRY(came_since(calls.tool(), then, now));
  const Books books = books_of(calls.how());
  const bool one_place = TRY(notes_one_place(connection, books));
  const auto pairs = TRY(pairs_in(files_of(calls)));
  const Rows rows = TRY(connection.query("SELECT " + books.column + "::text FROM " + books.table));
  for (Down& down : downs) {
    down.by_us = true;
    if (one_place) {
      const auto before = leading_number(down.before);
      down.sql = before ? fmt::format("UPDATE {} SET {} = {};\n", books.table, books.column, *before)
                        : "DELETE FROM " + books.table + ";\n";
      continue;
    }
    for (int i = 0; i < rows.count(); ++i)
      if (rows.text(i, 0) == down.name || pair_of(rows.text(i, 0), pairs) == down.name)
        down.sql =
            fmt::format("DELETE FROM {} WHERE {}::text = {};\n", books.table, books.column, sql_text(rows.view(i, 0)));
  }
  return downs;
}

Result<void> show_pair(const MigrationCalls& calls, const std::string&, Down& down) {
  const std::string stem = files_of(calls) + "/" + down.name;
  if (!os::exists(stem + ".down.sql"))
    return Error{Code::kRefused, one_line(down.name) + " is irreversible: there is no " + stem + ".down.sql", kWayOut};
  down.sql = TRY(os::read_file(stem + ".down.sql", 4 << 20)) + "\n;" + down.sql;
  if (auto up = os::read_file(stem + ".up.sql", 4 << 20)) down.up = std::move(*up);
  return {};
}

/// The first word of each line.
Result<Listed> listed_by_alembic(const std::string& out) {
  Listed listed;
  for (const std::string& line : split(out, '\n'))
    if (const std::string text(trimmed(line)); !text.empty()) listed.applied.push_back(text.substr(0, text.find(' ')));
  return listed;
}

Argv shown_otherwise(const Json&, const Down&) { return {}; }

}  // namespace

const MigrationTool& alembic_tool() {
  static const MigrationTool tool{
      .kind = "alembic",
      .books = "Alembic",
      .in_order = "SELECT version_num FROM %T",
      .list = [](const Json& how) { return user_words(alembic(how), {"current"}); },
      .listed = &listed_by_alembic,
      .show = &shown_otherwise,
      .down =
          [](const Json& how, const Down& down) {
            return user_words(alembic(how), {"downgrade", down.before.empty() ? "base" : down.before});
          },
      .irreversible = {"NotImplementedError"},
      .mend = "finish it by hand and note it (alembic stamp REVISION), or take its half back by SQL",
      .harmless =
          [](const Json& how, const Down&) {
            return user_words(alembic(how), {"downgrade", "backout-looks"});
          },
      .prepare_down = &show_alembic,
      .came = &came_by_alembic};
  return tool;
}

const MigrationTool& prisma_tool() {
  static const MigrationTool tool{
      .kind = "prisma",
      .books = "Prisma",
      .in_order =
          "SELECT migration_name FROM %T WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL ORDER BY "
          "started_at, migration_name",
      .list = nullptr,
      .listed = nullptr,
      .show = &shown_otherwise,
      .down = nullptr,
      .irreversible = {},
      .mend = "take its half back by SQL, then: prisma migrate resolve --rolled-back NAME",
      .prepare_down = &show_prisma,
      .came = &came_by_prisma};
  return tool;
}

const MigrationTool& sql_tool() {
  static const MigrationTool tool{.kind = "sql",
                                  .books = "",
                                  .in_order = "",
                                  .list = nullptr,
                                  .listed = nullptr,
                                  .show = &shown_otherwise,
                                  .down = nullptr,
                                  .irreversible = {},
                                  .mend = "take its half back by SQL",
                                  .noted = &noted_by_pairs,
                                  .prepare_down = &show_pair,
                                  .came = &came_by_pairs};
  return tool;
}

}  // namespace backout::postgresql
