#include <deque>
#include <map>
#include <optional>

#include "base/text.h"
#include "database/sqlite/read_schema.h"
#include "database/sqlite/row_change.h"
#include "database/sqlite/rows_out.h"
#include "database/sqlite/value.h"
#include "database/sqlite/verb_args.h"
#include "os/rows_directory.h"
#include "schema/migration_books.h"

namespace backout::database {
namespace {

constexpr size_t kFirstTold = 100;

struct RowRefusal {
  std::string kind, why;
};
enum class Outcome { kApplied, kAlready, kWaits, kConflict };

class RowApply {
 public:
  RowApply(const Json& args, const Progress& progress) : args_(args), progress_(progress) {}

  Result<Json> run() {
    TRY_VOID(os::each_row_line(TRY(need_path(args_, "from")), "sqlite", [&](const Json& line) -> Result<void> {
      changes_.push_back(TRY(change_of(line)));
      return {};
    }));
    live_ = TRY(Connection::open(TRY(need_path(args_, "live")), Open::kWrite));
    int off = 1;
    sqlite3_db_config(live_->raw(), SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, &off);  // what they did is in the rows already
    TRY_VOID(live_->exec("PRAGMA foreign_keys=OFF; BEGIN IMMEDIATE"));
    schema_ = TRY(read_schema(*live_));
    const int64_t broken = TRY(broken_references());
    TRY_VOID(rounds());
    if (TRY(broken_references()) > broken)
      return Error{Code::kConflict, "a foreign key would point nowhere; nothing was applied",
                   "apply fewer rows at once"};
    return finish();
  }

 private:
  Result<int64_t> broken_references() { return live_->integer("SELECT count(*) FROM pragma_foreign_key_check"); }

  /// A change may only be in the way of another until that has come: all are tried until none goes in any more.
  Result<void> rounds() {
    std::deque<Change*> waiting;
    for (Change& change : changes_) waiting.push_back(&change);
    for (bool progress = true; progress && !waiting.empty();) {
      progress = false;
      std::deque<Change*> still;
      for (Change* change : waiting) {
        RowRefusal refusal;
        const Outcome outcome = TRY(attempt(*change, refusal).with_context("table " + change->table));
        if (outcome == Outcome::kWaits)
          still.push_back(change);
        else if (outcome == Outcome::kConflict)
          tell(*change, refusal);
        else
          note(*change, outcome);
        progress = progress || outcome == Outcome::kApplied;
      }
      waiting = std::move(still);
    }
    for (Change* change : waiting) {
      RowRefusal refusal;
      const Outcome outcome = TRY(attempt(*change, refusal));
      if (outcome == Outcome::kWaits)
        tell(*change, refusal);
      else
        note(*change, outcome);
    }
    return {};
  }

  void note(const Change& change, Outcome outcome) {
    Json& count = outcome == Outcome::kApplied ? applied_[change.table] : already_[change.table];
    if (outcome == Outcome::kAlready) {
      count = (count.is_null() ? 0 : count.get<int64_t>()) + 1;
      return;
    }
    if (count.is_null()) count = {{"insert", 0}, {"update", 0}, {"delete", 0}};
    count[change.operation] = count[change.operation].get<int64_t>() + 1;
  }

  void tell(const Change& change, const RowRefusal& refusal) {
    Json line = change.line;
    line["operation"] = change.operation;
    line["kind"] = refusal.kind;
    line["why"] = refusal.why;
    Json& count = by_kind_[change.table][refusal.kind];
    count = (count.is_null() ? 0 : count.get<int64_t>()) + 1;
    conflicts_.push_back(std::move(line));
  }

  const schema::Column* column(const schema::Table& table, const std::string& name) {
    const auto* found = find_column(table, name);
    return found != nullptr && !found->hidden && found->generated == schema::Generated::kNo ? found : nullptr;
  }

  /// The key as the file has it; else that of the table, out of the row; else the whole row.
  Json key_of(const Change& change, const schema::Table& table) {
    if (change.key.is_object() && !change.key.empty()) return change.key;
    Json key = Json::object();
    for (const std::string& name : primary_key(table))
      if (change.row.contains(name)) key[name] = change.row[name];
    if (!key.empty() && key.size() == primary_key(table).size()) return key;
    key = Json::object();
    for (const auto& [name, value] : change.row.items())
      if (column(table, name) != nullptr) key[name] = value;
    return key;
  }

  Result<Statement*> statement(const std::string& sql) {
    auto found = statements_.find(sql);
    if (found == statements_.end()) found = statements_.emplace(sql, TRY(live_->prepare(sql))).first;
    found->second.reset();
    return &found->second;
  }

  static std::string where(const Json& key, int first) {
    std::string text;
    for (const auto& [name, value] : key.items())
      text += (text.empty() ? " WHERE " : " AND ") + (is_rowid(name) ? name : sql_name(name)) + " IS ?" +
              std::to_string(first++);
    return text;
  }
  static Result<void> bind_all(Statement& bound, const Json& values, int first) {
    for (const auto& [name, value] : values.items()) TRY_VOID(bind_value(bound, first++, value));
    return {};
  }

  /// The columns of `names` as they are now; null when there is no such row.
  Result<Json> row_now(const schema::Table& table, const Json& key, const Json& names) {
    std::string list;
    for (const auto& [name, value] : names.items()) list += (list.empty() ? "" : ", ") + sql_name(name);
    Statement* look =
        TRY(statement("SELECT " + (list.empty() ? "1" : list) + " FROM main." + sql_name(table.name) + where(key, 1)));
    TRY_VOID(bind_all(*look, key, 1));
    Json now;
    if (TRY(look->step())) {
      now = Json::object();
      int at = 0;
      for (const auto& [name, value] : names.items()) now[name] = to_json(cell_of(look->raw(), at++));
    }
    look->reset();
    return now;
  }

  static bool same_values(const Json& now, const Json& then) {
    for (const auto& [name, value] : now.items())
      if (!then.contains(name) || !same_value(value, then[name])) return false;
    return true;
  }

  /// A column that is newer than the file says nothing.
  static bool same_as_far_as_known(const Json& now, const Json& then) {
    bool any = false;
    for (const auto& [name, value] : now.items()) {
      if (!then.contains(name)) continue;
      if (!same_value(value, then[name])) return false;
      any = true;
    }
    return any;
  }

  Result<Outcome> attempt(const Change& change, RowRefusal& refusal) {
    const schema::Table* table = find_table(schema_, change.table);
    if (table == nullptr || table->kind != schema::TableKind::kTable)
      return refuse(refusal, "no-table", "there is no such table", Outcome::kConflict);
    if (schema::is_migration_book(table->name))
      return refuse(refusal, "migrator", "a migrator keeps its books there", Outcome::kConflict);
    Json values = Json::object();
    for (const auto& [name, value] : change.row.items()) {
      if (column(*table, name) != nullptr)
        values[name] = value;
      else if (!is_rowid(name))
        skipped_[change.table + ": values of " + name + " have no place: there is no such column"] = true;
    }
    const Json key = key_of(change, *table);
    for (const auto& [name, value] : key.items())
      if (!is_rowid(name) && column(*table, name) == nullptr)
        return refuse(refusal, "no-column", "its key, " + name + ", is no column any more", Outcome::kConflict);
    const Json now = TRY(row_now(*table, key, values));
    if (change.operation == "insert") {
      if (!now.is_null())
        return same_values(now, values) ? Result<Outcome>(Outcome::kAlready)
                                        : refuse(refusal, "unique", "another row has this key", Outcome::kConflict);
      return insert(*table, key, values, refusal);
    }
    if (change.operation == "delete" && now.is_null()) return Outcome::kAlready;
    if (now.is_null()) return refuse(refusal, "base-changed", "the row is not there", Outcome::kConflict);
    if (change.operation == "update" && same_values(now, values)) return Outcome::kAlready;
    if (!change.base.is_object() || !same_as_far_as_known(now, change.base))
      return refuse(refusal, "base-changed", "the row is not what the file says it was", Outcome::kConflict);
    return change.operation == "update" ? update(*table, key, values, refusal) : remove(*table, key, refusal);
  }

  static Result<Outcome> refuse(RowRefusal& refusal, std::string kind, std::string why, Outcome outcome) {
    refusal = {std::move(kind), std::move(why)};
    return outcome;
  }

  Result<Outcome> write(Statement& bound, RowRefusal& refusal) {
    const int code = sqlite3_step(bound.raw());
    const int extended = sqlite3_extended_errcode(live_->raw());
    const std::string why = one_line(sqlite3_errmsg(live_->raw()));
    sqlite3_reset(bound.raw());
    if (code == SQLITE_DONE) return Outcome::kApplied;
    const int primary = code & 0xff;
    if (primary != SQLITE_CONSTRAINT && primary != SQLITE_MISMATCH && primary != SQLITE_ERROR)
      return live_->error(code, "writing");
    const bool unique = extended == SQLITE_CONSTRAINT_UNIQUE || extended == SQLITE_CONSTRAINT_PRIMARYKEY ||
                        extended == SQLITE_CONSTRAINT_ROWID;
    return refuse(refusal,
                  unique                                  ? "unique"
                  : extended == SQLITE_CONSTRAINT_NOTNULL ? "not-null"
                                                          : "check",
                  why, unique ? Outcome::kWaits : Outcome::kConflict);
  }

  /// Whether all that the row points at is there.
  Result<bool> has_parents(const schema::Table& table, const Json& values) {
    for (const schema::ForeignKey& reference : table.foreign_keys) {
      const schema::Table* parent = find_table(schema_, reference.parent);
      if (parent == nullptr) continue;
      const auto to = reference.to.empty() ? primary_key(*parent) : reference.to;
      Json wanted = Json::object();
      bool points = to.size() == reference.from.size();
      for (size_t i = 0; points && i < to.size(); ++i) {
        const Json& value = get(values, reference.from[i]);
        points = !value.is_null();
        wanted[to[i]] = value;
      }
      if (points && TRY(row_now(*parent, wanted, Json::object())).is_null()) return false;
    }
    return true;
  }

  Result<bool> is_pointed_at(const schema::Table& table, const Json& key) {
    for (const schema::Table& child : schema_.tables)
      for (const schema::ForeignKey& reference : child.foreign_keys) {
        if (!schema::same_name(reference.parent, table.name)) continue;
        const auto to = reference.to.empty() ? primary_key(table) : reference.to;
        if (to.size() != reference.from.size()) continue;
        std::string match;
        for (size_t i = 0; i < to.size(); ++i)
          match += (match.empty() ? "" : " AND ") + std::string("c.") + sql_name(reference.from[i]) + " = p." +
                   sql_name(to[i]);
        std::string own = where(key, 1);
        Statement* look = TRY(statement("SELECT 1 FROM (SELECT * FROM main." + sql_name(table.name) + own +
                                        ") AS p JOIN main." + sql_name(child.name) + " AS c ON " + match + " LIMIT 1"));
        TRY_VOID(bind_all(*look, key, 1));
        const bool there = TRY(look->step());
        look->reset();
        if (there) return true;
      }
    return false;
  }

  Result<Outcome> insert(const schema::Table& table, const Json& key, const Json& values, RowRefusal& refusal) {
    if (!TRY(has_parents(table, values)))
      return refuse(refusal, "missing-parent", "what it points at is not there", Outcome::kWaits);
    Json all = values;
    for (const auto& [name, value] : key.items())
      if (is_rowid(name) && !all.contains(name)) all[name] = value;
    std::string names, places;
    int number = 0;
    for (const auto& [name, value] : all.items()) {
      names += (names.empty() ? "" : ", ") + (is_rowid(name) ? name : sql_name(name));
      places += (places.empty() ? "?" : ", ?") + std::to_string(++number);
    }
    Statement* write_it = TRY(
        statement("INSERT OR ABORT INTO main." + sql_name(table.name) + " (" + names + ") VALUES (" + places + ")"));
    TRY_VOID(bind_all(*write_it, all, 1));
    return write(*write_it, refusal);
  }

  Result<Outcome> update(const schema::Table& table, const Json& key, const Json& values, RowRefusal& refusal) {
    if (!TRY(has_parents(table, values)))
      return refuse(refusal, "missing-parent", "what it points at is not there", Outcome::kWaits);
    std::string sets;
    int number = 0;
    for (const auto& [name, value] : values.items())
      sets += (sets.empty() ? "" : ", ") + sql_name(name) + " = ?" + std::to_string(++number);
    Statement* write_it =
        TRY(statement("UPDATE OR ABORT main." + sql_name(table.name) + " SET " + sets + where(key, number + 1)));
    TRY_VOID(bind_all(*write_it, values, 1));
    TRY_VOID(bind_all(*write_it, key, number + 1));
    return write(*write_it, refusal);
  }

  Result<Outcome> remove(const schema::Table& table, const Json& key, RowRefusal& refusal) {
    if (TRY(is_pointed_at(table, key)))
      return refuse(refusal, "still-referenced", "other rows point at it", Outcome::kWaits);
    Statement* write_it = TRY(statement("DELETE FROM main." + sql_name(table.name) + where(key, 1)));
    TRY_VOID(bind_all(*write_it, key, 1));
    return write(*write_it, refusal);
  }

  Result<Json> finish() {
    statements_.clear();
    Json first = Json::array();
    for (const Json& line : conflicts_) {
      if (first.size() >= kFirstTold) break;
      Json brief = Json::object();
      for (const char* name : {"table", "operation", "kind", "key", "why"}) brief[name] = get(line, name);
      first.push_back(brief);
    }
    Json skipped = Json::array();
    for (const auto& [sentence, told] : skipped_) skipped.push_back(sentence);
    Json evidence{{"applied", applied_}, {"already", already_},           {"conflict_count", conflicts_.size()},
                  {"conflicts", first},  {"conflicts_by_kind", by_kind_}, {"skipped", skipped}};
    if (get_bool(args_, "dry_run")) {
      TRY_VOID(live_->exec("ROLLBACK"));
      return evidence;
    }
    if (args_.contains("conflicts")) {
      auto file = TRY(os::LinesFile::create(TRY(need_path(args_, "conflicts"))));
      for (const Json& line : conflicts_) TRY_VOID(file.add(line));
      TRY_VOID(file.finish());
      if (!conflicts_.empty()) evidence["conflicts_file"] = get(args_, "conflicts");
    }
    TRY_VOID(live_->exec("COMMIT"));
    return evidence;
  }

  const Json& args_;
  const Progress& progress_;
  std::deque<Change> changes_;
  std::optional<Connection> live_;
  schema::Snapshot schema_;
  std::map<std::string, Statement> statements_;
  std::deque<Json> conflicts_;
  Json applied_ = Json::object(), already_ = Json::object(), by_kind_ = Json::object();
  std::map<std::string, bool> skipped_;
};

}  // namespace

Result<Json> apply_rows(const Json& args, const Progress& progress) { return RowApply(args, progress).run(); }

}  // namespace backout::database
