#include "database/postgresql/look_at_downs.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "database/postgresql/down_facts.h"
#include "database/postgresql/read_migrations.h"
#include "database/postgresql/step_down.h"
#include "os/file.h"

namespace backout::postgresql {
namespace {

constexpr const char* kRestore = "the database is restored instead";
constexpr const char* kCountFor = "SET statement_timeout = '3s'";
constexpr size_t kShownStatement = 300;

Json not_possible(const std::string& why, const std::string& way_out) {
  return {{"possible", false}, {"why_not", why}, {"way_out", way_out.empty() ? kRestore : way_out}};
}

const schema::postgresql::Table* table_named(const schema::postgresql::Catalog& catalog, const std::string& name) {
  if (const auto* exact = schema::postgresql::find(catalog.tables, name)) return exact;
  if (const auto* in_public = schema::postgresql::find(catalog.tables, "public." + name)) return in_public;
  const schema::postgresql::Table* only = nullptr;
  for (const auto& table : catalog.tables) {
    if (table.name != name) continue;
    if (only != nullptr) return nullptr;
    only = &table;
  }
  return only;
}

/// A count that is given up when it takes long; then nothing.
std::optional<int64_t> counted_quickly(Connection& live, const std::string& sql) {
  if (!live.exec(kCountFor)) return std::nullopt;
  const auto count = live.integer(sql);
  (void)live.exec("RESET statement_timeout");
  return count ? std::optional(*count) : std::nullopt;
}

std::string rows_in_words(const std::optional<int64_t>& rows) {
  return rows ? counted(*rows, "row") : std::string("a number of rows that was not counted");
}

class Weigher {
 public:
  Weigher(const DownsSight& sight, Connection& live, std::string books)
      : sight_(sight), live_(live), books_(std::move(books)) {}

  void weigh(const Down& down) {
    show(down);
    if (down.sql.empty()) {
      unseen_.push_back(down.name);
      return;
    }
    const DownFacts facts = facts_of_down(down.sql);
    for (const Taken& each : facts.taken) take(each);
    for (const std::string& what : facts_of_down(down.up).writes)
      if (!of_books(what)) against_.push_back(down.name + " changed rows when it came (" + what + ")");
    for (const std::string& what : facts.writes)
      if (!of_books(what)) against_.push_back(down.name + " changes rows (" + what + ")");
    if (!facts.unknown.empty()) unseen_.push_back(down.name);
  }

  Json conclude(const std::vector<Down>& downs, const std::string& tool) {
    for (const schema::Finding& finding : sight_.comparison.findings)
      if (finding.harms.has(schema::Harm::kDestructive))
        against_.push_back("only the checkpoint has what the release took away (" + finding.rule + " " +
                           finding.object + ")");
    if (sight_.tables.is_object())
      for (const auto& [name, choice] : sight_.tables.items())
        if (choice == "leave" && is_column(name))
          against_.push_back("backout.yaml wants the checkpoint's values of " + one_line(name));
    std::vector<std::string> names;
    for (const Down& down : downs) names.push_back(one_line(down.name));
    std::string why;
    if (against_.empty()) {
      why =
          fmt::format("{} came with the release and can be undone by {} ({}), which takes away only what they brought",
                      counted(static_cast<int64_t>(downs.size()), "migration"), tool, join(names, ", "));
      if (!unseen_.empty())
        why += "; what " + join(unseen_, ", ") +
               " does cannot be read: prepare tries it on the real rows, and stops "
               "when it changes one";
    } else {
      const size_t all = against_.size();
      if (all > 2) against_.resize(2), against_.push_back("and " + std::to_string(all - 2) + " more");
      why = join(against_, ", ") + "; to do it nevertheless: --rung step-down";
    }
    return {{"possible", true}, {"wins", all_for()}, {"why", why}, {"words", words_}, {"losses", losses_}};
  }

 private:
  bool all_for() const { return against_.empty(); }

  /// "DELETE public.schema_migrations": the tool's own table.
  bool of_books(const std::string& what) const {
    const std::string table = what.substr(what.find(' ') + 1);
    return table == books_ || table == books_.substr(books_.find('.') + 1);
  }

  bool is_column(const std::string& name) const {
    const size_t dot = name.rfind('.');
    if (dot == std::string::npos) return false;
    const auto* table = table_named(sight_.now, name.substr(0, dot));
    return table != nullptr && schema::postgresql::find_named(table->columns, name.substr(dot + 1)) != nullptr;
  }

  void show(const Down& down) {
    if (down.sql.empty()) {
      words_.push_back(down.name + ": code of its own" + (down.file.empty() ? "" : ", " + down.file));
      return;
    }
    words_.push_back(down.name);
    for (const std::string& statement : split(without_comments(down.sql), '\n')) {
      const std::string line = one_line(trimmed(statement));
      if (line.empty() || line == "BEGIN;" || line == "COMMIT;") continue;
      words_.push_back("- " + shortened(line, kShownStatement));
    }
    if (facts_of_down(down.sql).statements == 0) words_.emplace_back("- nothing that is SQL");
  }

  void take(const Taken& taken) {
    const auto* live = table_named(sight_.now, taken.table);
    const auto* before = table_named(sight_.wanted, taken.table);
    const std::string from = live == nullptr ? "" : sql_name(live->schema, live->name);
    switch (taken.kind) {
      case Taken::Kind::kTable: return take_table(taken, from, before != nullptr);
      case Taken::Kind::kColumn: return take_column(taken, from, live, before);
      case Taken::Kind::kType: return take_type(taken, from, live);
    }
  }

  void take_table(const Taken& taken, const std::string& from, bool had) {
    const auto rows = from.empty() ? std::nullopt : counted_quickly(live_, "SELECT count(*) FROM " + from);
    if (had) against_.push_back("it drops the table " + taken.table + ", which the checkpoint had");
    if (rows && *rows == 0) return;
    losses_.push_back(fmt::format("{}: the table goes, with {}: into the run's archive; the kept database has it, too",
                                  taken.table, rows_in_words(rows)));
  }

  void take_column(const Taken& taken, const std::string& from, const schema::postgresql::Table* live,
                   const schema::postgresql::Table* before) {
    const bool had = before != nullptr && schema::postgresql::find_named(before->columns, taken.column) != nullptr;
    if (had) against_.push_back("it drops " + taken.table + "." + taken.column + ", which the checkpoint had");
    const bool there = live != nullptr && schema::postgresql::find_named(live->columns, taken.column) != nullptr;
    const auto rows =
        there ? counted_quickly(live_, "SELECT count(" + sql_name(taken.column) + ") FROM " + from) : std::nullopt;
    if (rows && *rows == 0) return;
    losses_.push_back(
        fmt::format("{}.{}: the column goes, with the values of {}: into the run's archive; the kept "
                    "database has them, too",
                    taken.table, taken.column, rows_in_words(rows)));
  }

  /// Counts the values that are others as the new type: a cast to varchar(20) cuts without a word.
  void take_type(const Taken& taken, const std::string& from, const schema::postgresql::Table* live) {
    const auto* column = live == nullptr ? nullptr : schema::postgresql::find_named(live->columns, taken.column);
    if (column == nullptr) return;
    const std::string value = "t." + sql_name(taken.column);
    const auto rows = counted_quickly(
        live_, fmt::format("SELECT count(*) FROM {} AS t WHERE {} IS NOT NULL AND CAST(CAST({} AS {}) AS {})::text IS "
                           "DISTINCT FROM {}::text",
                           from, value, value, taken.type, column->type, value));
    if (rows && *rows == 0) return;
    const std::string what = fmt::format("{}.{} becomes {}", taken.table, taken.column, taken.type);
    if (!rows) {
      losses_.push_back(what + ": whether every value fits was not counted; prepare tries it");
      return;
    }
    against_.push_back(fmt::format("{}: {} would be cut or rounded", what, counted(*rows, "value")));
    losses_.push_back(
        fmt::format("{}: {} are cut or rounded; the kept database has them whole", what, counted(*rows, "value")));
  }

  const DownsSight& sight_;
  Connection& live_;
  std::string books_;  // "public.alembic_version"
  std::vector<std::string> against_, unseen_, words_, losses_;
};

std::vector<std::string> names_in(const Json& list) {
  std::vector<std::string> names;
  for (const Json& each : list)
    if (each.is_string()) names.push_back(each.get<std::string>());
  return names;
}

/// What the checkpoint noted of this tool.
Result<std::vector<std::string>> noted_then(const Json& against, const MigrationTool& tool) {
  const std::string path = get_string(against, "habits");
  if (path.empty() || !os::exists(path))
    return Error{Code::kNotFound, "the checkpoint did not note which migrations were applied", ""};
  const Json habits = TRY(parse_json(TRY(os::read_file(path))).with_context(path));
  if (tool.noted != nullptr && get(habits, "own").is_array()) return names_in(get(habits, "own"));
  for (const auto& each : schema::postgresql::migrations_from_json(get(habits, "migrations")))
    if (tool.noted == nullptr && each.tool == tool.books) return each.applied;
  return Error{
      Code::kNotFound,
      fmt::format("{} had noted no migrations at the checkpoint", tool.books.empty() ? tool.kind : tool.books) +
          (habits.contains("own_fault") ? ": " + get_string(habits, "own_fault") : ""),
      "see database: {migrations: ...} in backout.yaml"};
}

/// By the books nothing came, and the schema is another.
Json failed_midway(const MigrationCalls& calls, const std::string& database, const std::string& trouble) {
  std::string why = trouble;
  if (why.empty()) {
    why =
        "by its books no migration came with the release, and the schema is another: one failed midway, was faked, or "
        "somebody changed the schema by hand";
    const auto listed = calls.tool().list == nullptr ? Result<Listed>(Listed{}) : calls.list(database);
    if (listed && !listed->pending.empty())
      why += " (not noted as applied: " + one_line(join(listed->pending, ", ")) + ")";
  }
  return not_possible(why, std::string(kRestore) + "; or " + std::string(calls.tool().mend));
}

/// Fills in what can be shown. Nothing: all can be undone.
Result<std::optional<Json>> show_each(const MigrationCalls& calls, const std::string& database,
                                      std::vector<Down>& downs) {
  const MigrationTool& tool = calls.tool();
  for (Down& down : downs) {
    if (tool.prepare_down != nullptr) {
      if (const auto fine = tool.prepare_down(calls, database, down); !fine)
        return std::optional(not_possible(fine.error().message, fine.error().next));
      continue;
    }
    const auto ran = TRY(calls.run(tool.show(calls.how(), down), database, MigrationCalls::May::kLook));
    if (ran.ok()) {
      down.sql = ran.out;
      continue;
    }
    const std::string said = calls.complaint(ran);
    const bool irreversible = std::any_of(tool.irreversible.begin(), tool.irreversible.end(), [&](const auto& word) {
      return ran.out.find(word) != std::string::npos || ran.err.find(word) != std::string::npos;
    });
    return std::optional(not_possible(
        one_line(down.name) + (irreversible ? " is irreversible: " : ": what undoing it does cannot be shown: ") + said,
        std::string(kRestore) + "; or a migration of your own that takes it back, or mend it forward"));
  }
  return std::optional<Json>();
}

Result<Json> look(const DownsSight& sight, Connection& live) {
  const auto calls = TRY(MigrationCalls::of(sight.migrations, live));
  const MigrationTool& tool = calls.tool();
  const auto then = TRY(noted_then(sight.against, tool));
  std::string trouble, books = "public." + get_string(calls.how(), "table", "schema_migrations");
  for (const auto& each : TRY(read_migrations(live)))
    if (each.tool == tool.books) trouble = each.trouble, books = each.table;
  if (get_string(calls.how(), "table").find('.') != std::string::npos) books = get_string(calls.how(), "table");
  if (!trouble.empty()) return failed_midway(calls, live.database(), trouble);
  const auto now = TRY(noted_in(live, calls));
  std::vector<Down> downs =
      tool.came != nullptr ? TRY(tool.came(calls, live, then, now)) : TRY(came_since(tool, then, now));
  if (downs.empty()) return failed_midway(calls, live.database(), "");
  if (auto refused = TRY(show_each(calls, live.database(), downs))) return std::move(*refused);
  Weigher weigher(sight, live, books);
  for (const Down& down : downs) weigher.weigh(down);
  Json seen = weigher.conclude(downs, std::string(tool.books.empty() ? "your own tool" : tool.books));
  seen["noted"] = now;
  for (const Down& down : downs) seen["downs"].push_back(to_json(down));
  return seen;
}

}  // namespace

Json look_at_downs(const DownsSight& sight, Connection& live) {
  auto seen = look(sight, live);
  if (seen) return std::move(*seen);
  return not_possible(seen.error().message, seen.error().next);
}

}  // namespace backout::postgresql
