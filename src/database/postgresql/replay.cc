#include "database/postgresql/replay.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"
#include "database/postgresql/parse_statement.h"
#include "database/postgresql/prober.h"

namespace backout::postgresql {
namespace {

using schema::postgresql::Catalog;
using schema::postgresql::Column;
using schema::postgresql::Constraint;
using schema::postgresql::Domain;
using schema::postgresql::Evidence;
using schema::postgresql::find;
using schema::postgresql::find_named;
using schema::postgresql::Function;
using schema::postgresql::Table;

constexpr size_t kShownStatement = 120;

/// Errors that speak of what a schema has; any of them may be the new schema's doing.
bool speaks_of_schema(std::string_view sqlstate) {
  static constexpr std::array<std::string_view, 10> kStates{"42703", "42702", "42883", "42725", "428C9",
                                                            "42P10", "42804", "42704", "42601", "42846"};
  return std::find(kStates.begin(), kStates.end(), sqlstate) != kStates.end();
}
bool is_lost(std::string_view sqlstate) { return sqlstate.starts_with("08") || sqlstate.starts_with("57P"); }
bool gave_up(std::string_view sqlstate) { return sqlstate == "57014" || sqlstate == "55P03"; }

std::vector<std::string> schemas_of(const std::string& search_path) {
  std::vector<std::string> out;
  for (const auto& part : split(search_path, ',')) {
    std::string name(trimmed(part));
    if (name.size() >= 2 && name.front() == '"') name = name.substr(1, name.size() - 2);
    if (name != "$user") out.push_back(name);
  }
  return out;
}

bool must_be_given(const Catalog& catalog, const Column& column) {
  const Domain* domain = find(catalog.domains, column.type);
  const bool required = column.not_null || (domain != nullptr && domain->not_null);
  const bool has_default = column.default_text || (domain != nullptr && domain->default_text);
  return required && !has_default && column.identity.empty() && column.generated.empty();
}

std::optional<std::string> difference(const Shape& old_shape, const Shape& new_shape) {
  if (old_shape.parameters != new_shape.parameters) return "its parameters have other types";
  const auto& was = old_shape.columns;
  const auto& is = new_shape.columns;
  if (is.size() < was.size()) return "it returns fewer columns";
  for (size_t i = 0; i < was.size(); ++i)
    if (was[i] != is[i])
      return "column " + std::to_string(i + 1) + " was " + was[i].first + ", is " + is[i].first +
             (was[i].first == is[i].first ? " of another type" : "");
  for (size_t i = was.size(); i < is.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      if (is[i].first == is[j].first) return "it returns a second column named " + is[i].first;
  return std::nullopt;
}

/// What tools ask (pg_dump, monitors, an ORM that looks around): no schema of the site makes it fail or hold.
bool asks_server_alone(const StatementFacts& facts) {
  if (facts.tables.empty()) return !facts.calls;
  return std::all_of(facts.tables.begin(), facts.tables.end(), [](const std::string& table) {
    return table.starts_with("pg_") || table.starts_with("information_schema.");
  });
}

/// One pass over the statements.
class Replay {
 public:
  Replay(const ReplaySides& sides, const Statements& statements)
      : sides_(sides), schemas_(schemas_of(statements.search_path)) {
    for (const Table& table : sides.now.tables)
      if (const Table* before = find(sides.wanted.tables, table.full_name()))
        for (const Column& column : table.columns)
          if (find_named(before->columns, column.name) == nullptr) added_[table.full_name()].push_back(column.name);
  }

  Result<void> statement(const std::string& sql, Prober& there, Prober* control) {
    const auto facts = parse_statement(sql);
    if (facts && (facts->kind == StatementFacts::Kind::kOther || asks_server_alone(*facts))) return {};
    ++evidence_.tried;
    object_ = shortened(one_line(sql), kShownStatement);
    broke_ = unknown_ = false;
    if (!facts) {
      evidence_.all_read = false;
      show("statement-unknown", facts.error().message);
    }
    bool counts = true;
    if (!facts || facts->kind == StatementFacts::Kind::kQuery)
      counts = TRY(ask(sql, facts ? &*facts : nullptr, there, control));
    if (facts && counts) {
      insertions(*facts);
      copies(*facts);
      meaning(*facts);
      changes(*facts);
    }
    if (!counts) {
      ++evidence_.no_evidence;
    } else {
      ++(broke_ ? evidence_.broke : unknown_ ? evidence_.unknown : evidence_.held);
    }
    return {};
  }

  /// Functions of the old schema that name a new column: for them it is a variable, or another table's.
  Result<void> functions() {
    std::vector<std::string> names;
    for (const auto& [table, columns] : added_)
      for (const auto& column : columns) names.push_back(sql_text(column));
    if (names.empty()) return {};
    const Rows rows = TRY(sides_.there.query(
        "SELECT n.nspname || '.' || p.proname || '(' || pg_catalog.oidvectortypes(p.proargtypes) || ')', c FROM "
        "pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace JOIN pg_catalog.pg_language l "
        "ON "
        "l.oid = p.prolang, unnest(ARRAY[" +
        join(names, ", ") +
        "]) c WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND l.lanname NOT IN ('c', 'internal') "
        "AND p.prosrc ~* ('\\m' || regexp_replace(c, '([^[:alnum:]_])', '\\\\\\1', 'g') || '\\M') ORDER BY 1, 2"));
    for (int i = 0; i < rows.count(); ++i) {
      const std::string function = rows.text(i, 0);
      if (find(sides_.wanted.functions, function) == nullptr) continue;
      evidence_.shown.push_back({"statement-meaning", "function " + schema::postgresql::shown(function),
                                 "its text names the new column " + rows.text(i, 1)});
    }
    return {};
  }

  void probe(const std::string& query, Prober& there) {
    if (const auto row = there.has_row(query)) evidence_.probes[query] = *row;
  }

  Evidence take() { return std::move(evidence_); }

 private:
  void show(std::string_view rule, const std::string& detail) { evidence_.shown.push_back({rule, object_, detail}); }
  void breaks(std::string_view rule, const std::string& detail) {
    broke_ = true;
    show(rule, detail);
  }

  /// false: it is no evidence.
  Result<bool> ask(const std::string& sql, const StatementFacts* facts, Prober& there, Prober* control) {
    const auto now = there.shape_of(sql);
    if (!now && is_lost(there.sqlstate())) return now.error();
    const std::string state = there.sqlstate();
    if (control == nullptr) {
      if (!now && speaks_of_schema(state)) {
        breaks("statement-fails", state + " " + now.error().message);
      } else if (!now || facts == nullptr || (facts->star && facts->tables.size() > 1 && touches_added(*facts))) {
        unknown_ = true;
        if (facts != nullptr)
          show("statement-unknown", now ? "its columns may have moved" : state + " " + now.error().message);
      }
      return true;
    }
    const auto before = control->shape_of(sql);
    if (!before && is_lost(control->sqlstate())) return before.error();
    if (!before) return false;
    if (!now && gave_up(state)) {
      unknown_ = true;
      show("statement-unknown", state + " " + now.error().message);
    } else if (!now) {
      breaks("statement-fails", state + " " + now.error().message);
    } else if (const auto differs = difference(*before, *now)) {
      breaks("statement-result", *differs);
    } else if (facts == nullptr) {
      unknown_ = true;
    }
    return true;
  }

  /// The table of that name as the code sees it; nullptr: a subquery's, or none.
  const Table* resolve(const Catalog& catalog, const std::string& name) const {
    if (name.find('.') != std::string::npos) return find(catalog.tables, name);
    for (const auto& schema : schemas_)
      if (const Table* table = find(catalog.tables, schema + "." + name)) return table;
    return nullptr;
  }

  bool touches_added(const StatementFacts& facts) const {
    return std::any_of(facts.tables.begin(), facts.tables.end(), [&](const std::string& name) {
      const Table* table = resolve(sides_.now, name);
      return table != nullptr && added_.contains(table->full_name());
    });
  }

  void insertions(const StatementFacts& facts) {
    for (const Insertion& insertion : facts.insertions) {
      const Table* table = resolve(sides_.now, insertion.table);
      const Table* before = resolve(sides_.wanted, insertion.table);
      if (table == nullptr || before == nullptr) continue;
      if (insertion.copy && insertion.columns.empty() && table->columns.size() != before->columns.size())
        breaks("statement-fails", "22P04 COPY without a list of columns, and there are others now");
      for (const Column& column : table->columns) {
        const Column* old = find_named(before->columns, column.name);
        if (!must_be_given(sides_.now, column) || (old != nullptr && must_be_given(sides_.wanted, *old))) continue;
        const auto position = static_cast<int>(&column - table->columns.data());
        const bool left_out = insertion.columns.empty() ? insertion.values >= 0 && position >= insertion.values
                                                        : std::find(insertion.columns.begin(), insertion.columns.end(),
                                                                    column.name) == insertion.columns.end();
        if (left_out) breaks("statement-leaves-out", column.name);
      }
    }
  }

  void copies(const StatementFacts& facts) {
    if (facts.kind != StatementFacts::Kind::kCopy) return;
    for (const auto& name : facts.tables) {
      const Table *table = resolve(sides_.now, name), *before = resolve(sides_.wanted, name);
      if (table == nullptr && before != nullptr) breaks("statement-fails", "42P01 there is no " + name);
      if (table == nullptr || before == nullptr) continue;
      const auto same = [](const Column& a, const Column& b) { return a.name == b.name; };
      if (facts.copied_out.contains(name) && !std::equal(table->columns.begin(), table->columns.end(),
                                                         before->columns.begin(), before->columns.end(), same))
        breaks("statement-result", "COPY without a list of columns, and there are others now");
      for (const Insertion& insertion : facts.insertions)
        for (const auto& column : insertion.columns)
          if (find_named(table->columns, column) == nullptr) breaks("statement-fails", "42703 there is no " + column);
    }
  }

  /// It runs as before, and a name or a star in it stands for something else.
  void meaning(const StatementFacts& facts) {
    for (const auto& name : facts.tables) {
      const Table* table = resolve(sides_.now, name);
      if (table == nullptr) continue;
      const auto columns = added_.find(table->full_name());
      if (columns == added_.end()) continue;
      const std::string where = schema::postgresql::shown(table->full_name());
      for (const auto& column : columns->second)
        if (facts.names.contains(column))
          return breaks("statement-meaning",
                        column + " is a column of " + where + " now, and stood for something else");
      if (facts.natural_join && shared(facts, *table, columns->second))
        return breaks("statement-meaning", "NATURAL JOIN, and " + where + " has a new column");
      if (facts.odd_star)
        return breaks("statement-meaning", "all columns of " + where + " are compared or handed on, a new one too");
      for (const auto& alias : facts.aliases)
        if (facts.names.contains(alias) && !is_column(facts, alias))
          return breaks("statement-meaning", "a whole row of " + alias + " is handed on, with a new column");
    }
  }

  /// A new column of `table` may be common to both sides of a join; false only where every table is known.
  bool shared(const StatementFacts& facts, const Table& table, const std::vector<std::string>& columns) const {
    if (facts.subqueries) return true;
    return std::any_of(facts.tables.begin(), facts.tables.end(), [&](const std::string& name) {
      const Table* other = resolve(sides_.now, name);
      return other == nullptr ||
             (other != &table && std::any_of(columns.begin(), columns.end(), [&](const std::string& column) {
                return find_named(other->columns, column) != nullptr;
              }));
    });
  }

  bool is_column(const StatementFacts& facts, const std::string& name) const {
    return std::any_of(facts.tables.begin(), facts.tables.end(), [&](const std::string& each) {
      const Table* table = resolve(sides_.wanted, each);
      return table != nullptr && find_named(table->columns, name) != nullptr;
    });
  }

  /// What the questions of a comparison are about.
  void changes(const StatementFacts& facts) {
    const auto note = [&](const std::string& name, std::set<std::string>& into) {
      if (const Table* table = resolve(sides_.now, name)) into.insert(table->full_name());
    };
    for (const auto& name : facts.deletes) note(name, evidence_.deleted_from);
    for (const auto& name : facts.truncates) note(name, evidence_.emptied);
    for (const auto& [name, columns] : facts.updates)
      if (const Table* table = resolve(sides_.now, name))
        for (const auto& column : columns) evidence_.updated.insert(table->full_name() + "." + column);
  }

  const ReplaySides& sides_;
  std::vector<std::string> schemas_;
  std::map<std::string, std::vector<std::string>> added_;  // table -> columns that only the new schema has
  Evidence evidence_;
  std::string object_;
  bool broke_ = false, unknown_ = false;
};

}  // namespace

Result<Evidence> replay(const ReplaySides& sides, const Statements& statements, const schema::Comparison& comparison) {
  Replay replay(sides, statements);
  TRY_VOID(replay.functions());
  auto there = TRY(Prober::on(sides.there, statements.search_path));
  std::optional<Prober> control;
  if (sides.control != nullptr) control.emplace(TRY(Prober::on(*sides.control, statements.search_path)));
  for (const auto& sql : statements.texts) TRY_VOID(replay.statement(sql, there, control ? &*control : nullptr));
  for (const auto& finding : comparison.findings)
    if (finding.question && !finding.question->probe.empty()) replay.probe(finding.question->probe, there);
  return replay.take();
}

}  // namespace backout::postgresql
