#include "database/postgresql/rescue.h"

#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "base/text.h"
#include "database/postgresql/earlier.h"
#include "database/postgresql/marks.h"
#include "database/postgresql/quiet.h"
#include "database/postgresql/row_carrier.h"
#include "database/postgresql/row_files.h"
#include "database/postgresql/row_proof.h"
#include "database/postgresql/row_renames.h"
#include "database/postgresql/row_sequences.h"
#include "database/postgresql/sessions.h"
#include "os/file.h"

namespace backout::postgresql {
namespace {

constexpr const char* kLock = "1650812275, 1";  // "back", the rescue's
constexpr int kLockTries = 200;                 // of 50 ms

Result<std::string> wanted(const Json& args, const char* key) {
  const std::string value = get_string(args, key);
  if (value.empty()) return Error{Code::kInvalid, std::string("the argument '") + key + "' is missing", ""};
  return value;
}

struct Places {
  Server server;
  std::string live, target;
};
Result<Places> places_of(const Json& args) {
  Places places;
  places.server.conninfo = get_string(args, "server");
  places.live = TRY(wanted(args, "live"));
  places.target = TRY(wanted(args, "target"));
  return places;
}

/// A session of the target for the stages. Of an earlier try that was killed the server may still be at work: ended.
Result<Connection> open_writer(const Places& places) {
  auto writer = TRY(Connection::open(places.server, places.target).with_context("the new database " + places.target));
  for (int i = 0; i < kLockTries; ++i) {
    if (TRY(writer.text(std::string("SELECT pg_catalog.pg_try_advisory_lock(") + kLock + ")")) == "t") return writer;
    TRY(
        writer.query("SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_locks WHERE locktype = 'advisory' "
                     "AND classid = "
                     "1650812275 AND objid = 1 AND pid <> pg_catalog.pg_backend_pid() AND database = (SELECT oid FROM "
                     "pg_catalog.pg_database WHERE datname = pg_catalog.current_database())"));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return Error{Code::kBusy, "another rescue is at work on " + places.target, "wait until it has ended"};
}

/// What is analyzed are stages, for joins by their key: a small sample will do.
constexpr const char* kForStages =
    "; SET LOCAL work_mem = '64MB'; SET LOCAL jit = off; SET LOCAL default_statistics_target = 10";

Result<std::string> begin(Connection& writer) {
  TRY_VOID(writer.exec(std::string("BEGIN ISOLATION LEVEL REPEATABLE READ") + kForStages));
  return writer.text("SELECT pg_catalog.pg_export_snapshot()");
}

Result<std::map<std::string, std::string>> changed_unkeyed(const RowMap& map, RowSides& sides, const RowCatalogue& live,
                                                           const RowCatalogue& target) {
  std::map<std::string, std::string> changed;
  for (const auto& [oid, table] : target.tables) {
    const auto why = map.unkeyed.find(table.shown());
    if (why == map.unkeyed.end()) continue;
    if (TRY(content_differs(sides, *live.find(table.schema, table.name), table))) changed.insert(*why);
  }
  return changed;
}

/// Rows that a migration rewrote must not be taken for rows that users wrote: only a person knows what is right.
Error undecided_columns(const Json& counted) {
  std::vector<std::string> what;
  for (const Json& sentence : get(counted, "rewritten"))
    for (const Json& name : get(counted, "undecided"))
      if (sentence.get<std::string>().starts_with(name.get<std::string>() + ":"))
        what.push_back(sentence.get<std::string>());
  const std::string name = get(counted, "undecided").front().get<std::string>();
  return {Code::kRefused, join(what, "; "),
          fmt::format("say in backout.yaml what is right, database: {{postgresql: {{tables: {{{0}: leave}}}}}} for the "
                      "values of the checkpoint, or {0}: carry for those of now",
                      name)};
}

/// Rows that would all become conflicts: said before anything is closed.
Error unfilled_columns(const Json& counted) {
  std::vector<std::string> what;
  for (const auto& [name, sentence] : get(counted, "unfilled").items()) what.push_back(sentence.get<std::string>());
  return {Code::kRefused, join(what, "; "),
          fmt::format("give one in backout.yaml, database: {{postgresql: {{fill: {{{}: VALUE}}}}}}, or leave the rows "
                      "of that table behind: tables: {{TABLE: leave}}",
                      get(counted, "unfilled").begin().key())};
}

/// Their rows cannot be carried, only kept in a file: that is for a person to say, and before anything is closed.
Result<void> unkeyed_are_left(const std::map<std::string, std::string>& changed,
                              const std::map<std::string, RowChoice>& choices) {
  std::vector<std::string> what;
  std::string first;
  for (const auto& [table, why] : changed) {
    const auto chosen = choices.find(table);
    if (chosen != choices.end() && chosen->second == RowChoice::kLeave) continue;
    if (first.empty()) first = table;
    what.push_back(table + " was written to, and its rows cannot be carried: " + why);
  }
  if (what.empty()) return {};
  return Error{Code::kRefused, join(what, "; "),
               fmt::format("say that its rows of now go to the run's archive and it stays as it was, database: "
                           "{{postgresql: {{tables: {{{}: leave}}}}}}; or give it a primary key first",
                           first)};
}

constexpr const char* kLargeObjects = "pg_largeobject";  // as a name under `tables`

/// A row that names a large object would be carried, and the object not: that is for a person to say.
Result<void> large_objects_are_left(RowSides& sides, const std::map<std::string, RowChoice>& choices) {
  const auto chosen = choices.find(kLargeObjects);
  if (chosen != choices.end() && chosen->second == RowChoice::kLeave) return {};
  const std::string ask =
      "SELECT pg_catalog.count(*) || ', newest ' || coalesce(pg_catalog.max(oid::pg_catalog.int8), 0) FROM "
      "pg_catalog.pg_largeobject_metadata";
  const std::string there = TRY(sides.target.text(ask)), now = TRY(sides.live.text(ask));
  if (there == now) return {};
  return Error{Code::kRefused,
               "large objects were written since the checkpoint (" + there + " then; " + now +
                   " now), and they are not carried: rows written since may name some that would be gone",
               fmt::format("say that they stay as at the checkpoint, and that those of now stay in the kept database "
                           "alone: database: {{postgresql: {{tables: {{{}: leave}}}}}}",
                           kLargeObjects)};
}

/// Tried on the types of the columns, so that a wrong one is met before anything is closed.
Result<void> fill_fits(const RowMap& map, Connection& target) {
  for (const MappedTable& table : map.tables)
    for (const auto& [column, text] : table.fill) {
      const RowColumn* there = find_column(table.target, column);
      if (there == nullptr) continue;
      if (const auto cast = target.query("SELECT CAST($1 AS " + there->type + ")", {text}); !cast)
        return Error{Code::kInvalid,
                     fmt::format("fill: '{}' is no value for {}.{}: {}", one_line(text), table.shown, column,
                                 one_line(cast.error().message)),
                     "correct it in backout.yaml: database: {postgresql: {fill: ...}}"};
    }
  return {};
}

Result<void> load_known_of(Connection& writer, const Json& args) {
  const std::string known = get_string(args, "known");
  if (known.empty()) return {};
  const Json record = TRY(parse_json(TRY(os::read_file(known))).with_context(known));
  return load_known(writer, get_string(get(record, "evidence"), "conflicts_file"));
}

}  // namespace

Result<Json> diff_rows(const Json& args, const Progress& progress) {
  const Places places = TRY(places_of(args));
  auto writer = TRY(Connection::open(places.server, places.target).with_context("the new database " + places.target));
  if (get_bool(args, "refuse_undecided")) TRY_VOID(nothing_in_the_way(writer, places.live));
  auto sides = TRY(RowSides::open(places.server, places.live, places.target, TRY(begin(writer))));
  const auto target = TRY(read_row_catalogue(sides.target));
  auto live = TRY(read_row_catalogue(sides.live));
  rename_as_before(live, schema::postgresql::renames_from_json(get(args, "renamed")));
  const auto choices = TRY(row_choices(get(args, "tables")));
  const auto map = map_rows(live, target, choices, TRY(row_fill(get(args, "fill"))));
  TRY_VOID(fill_fits(map, sides.target));
  TRY_VOID(load_known_of(writer, args));
  const bool known = !get_string(args, "known").empty();
  auto found = TRY(find_differences(sides, writer, map, {.known = known}, progress));
  RowReport report;
  for (TableDifference& table : found.tables) {
    table.rows_with_news = TRY(count_news(sides.live, *table.map));
    TRY_VOID(report.add(table, sides.target));
  }
  const auto unkeyed = TRY(changed_unkeyed(map, sides, live, target));
  const Json counted = TRY(report.json(map, unkeyed, sides));
  if (get_bool(args, "refuse_undecided")) TRY_VOID(unkeyed_are_left(unkeyed, choices));
  if (get_bool(args, "refuse_undecided")) TRY_VOID(large_objects_are_left(sides, choices));
  if (get_bool(args, "refuse_undecided") && !get(counted, "undecided").empty()) return undecided_columns(counted);
  if (get_bool(args, "refuse_undecided") && !get(counted, "unfilled").empty()) return unfilled_columns(counted);
  if (const std::string result = get_string(args, "result"); !result.empty())
    TRY_VOID(os::write_file_atomic(result, canonical(counted) + "\n", 0600));
  return counted;
}

namespace {

class RowRescue {
 public:
  RowRescue(const Json& args, const Progress& progress) : args_(args), progress_(progress) {}

  Result<Json> run() {
    TRY_VOID(open());
    const Json evidence = TRY(carry());
    TRY_VOID(earlier_.keep_pending(*writer_, evidence));
    TRY_VOID(writer_->exec("COMMIT").with_context("committing the rescue"));
    return prove(evidence);
  }
  /// The error was that a row of the target is not what it was when the rescue began.
  bool somebody_else_writes() const { return writer_ && writer_->sqlstate() == "40001"; }

 private:
  Result<void> open() {
    places_ = TRY(places_of(args_));
    record_ = TRY(wanted(args_, "record"));
    conflicts_path_ = TRY(wanted(args_, "conflicts"));
    archive_path_ = TRY(wanted(args_, "archive"));
    for (const Json& table : get(args_, "only"))
      if (table.is_string()) only_.insert(table.get<std::string>());
    writer_ = TRY(open_writer(places_));
    earlier_ = TRY(Earlier::find(*writer_, args_, record_));
    auto live = TRY(Connection::open(places_.server, places_.live).with_context("the live database " + places_.live));
    marks_ = TRY(marks_of(live));
    sides_ = TRY(RowSides::open(places_.server, places_.live, places_.target, TRY(begin(*writer_))));
    target_tables_ = TRY(read_row_catalogue(sides_->target));
    live_tables_ = TRY(read_row_catalogue(sides_->live));
    rename_as_before(live_tables_, schema::postgresql::renames_from_json(get(args_, "renamed")));
    map_ = map_rows(live_tables_, target_tables_, TRY(row_choices(get(args_, "tables"))),
                    TRY(row_fill(get(args_, "fill"))));
    if (!only_.empty()) map_.keep_only(only_);
    return load_known_of(*writer_, args_);
  }

  Result<Json> carry() {
    const bool known = !get_string(args_, "known").empty();
    found_ = TRY(find_differences(*sides_, *writer_, map_, {.stage_all = true, .known = known}, progress_));
    Json evidence = TRY(report());
    TRY_VOID(sides_->target.exec("COMMIT"));
    for (const StagedTable& table : found_.staged) TRY_VOID(settle_nulls(*writer_, table));
    RowReferences references(*writer_, target_tables_, map_, found_.staged);
    auto quiet = TRY(Quiet::begin(*writer_, target_tables_, found_.staged));
    RowCarrier carrier(*writer_, references);
    TRY_VOID(carrier.carry());
    TRY_VOID(quiet.end());
    evidence["sequences"] = TRY(raise_sequences(sides_->live, *writer_));
    if (!references.cascaded().empty()) evidence["cascaded"] = references.cascaded();
    TRY_VOID(write_files(evidence));
    earlier_.add_to(evidence, only_);
    return evidence;
  }

  Result<Json> report() {
    unkeyed_ = TRY(changed_unkeyed(map_, *sides_, live_tables_, target_tables_));
    RowReport report;
    for (TableDifference& table : found_.tables) {
      table.rows_with_news = TRY(count_news(sides_->live, *table.map));
      TRY_VOID(report.add(table, sides_->target));
    }
    return report.json(map_, unkeyed_, *sides_);
  }

  Result<void> write_files(Json& evidence) {
    auto conflicts = TRY(os::LinesFile::create(conflicts_path_)), archive = TRY(os::LinesFile::create(archive_path_));
    Conflicts told;
    if (!only_.empty()) {
      TRY_VOID(keep_lines_of_others(conflicts_path_, only_, conflicts, &told));
      TRY_VOID(keep_lines_of_others(archive_path_, only_, archive, nullptr));
    }
    Json carried = Json::object();
    for (StagedTable& table : found_.staged) {
      TRY_VOID(write_conflicts(*writer_, table, conflicts, told).with_context("conflicts of " + table.map->shown));
      const RowCounts counts = TRY(count_marked(*writer_, table, "a"));
      if (counts.all() > 0) carried[table.map->shown] = to_json(counts);
    }
    Json tables = Json::object(), columns = Json::object();
    for (const MappedTable& table : map_.tables)
      if (const int64_t rows = TRY(archive_columns(sides_->live, table, archive)); rows > 0)
        columns[table.shown] = rows;
    for (const RowTable& table : map_.new_tables)
      if (const int64_t rows = TRY(archive_table(sides_->live, table, "the table is new", archive)); rows > 0)
        tables[table.shown()] = rows;
    for (const auto& [oid, table] : live_tables_.tables)
      if (const auto why = unkeyed_.find(table.shown()); why != unkeyed_.end())
        if (const int64_t rows = TRY(archive_table(sides_->live, table, why->second, archive)); rows > 0)
          tables[table.shown()] = rows;
    const bool archived = archive.lines() > 0;
    TRY_VOID(conflicts.finish());
    TRY_VOID(archive.finish());
    evidence["carried"] = carried;
    evidence["conflicts"] = told.first;
    evidence["conflicts_by_kind"] = told.by_kind;
    evidence["conflict_count"] = told.count;
    if (told.count > 0) evidence["conflicts_file"] = conflicts_path_;
    evidence["archived"] = {{"tables", tables}, {"columns", columns}};
    if (archived) evidence["archived"]["file"] = archive_path_;
    return {};
  }

  Result<Json> prove(Json evidence) {
    if (progress_) progress_("comparing the result with the live database once more");
    TRY_VOID(sides_->target.exec(
        "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL work_mem = '64MB'; SET LOCAL jit = off"));
    TRY_VOID(writer_->exec(std::string("BEGIN") + kForStages));
    const Json residue = TRY(prove_rows(*sides_, *writer_, map_, found_.staged));
    TRY_VOID(writer_->exec("ROLLBACK"));
    earlier_.add_residue(evidence, residue, only_);
    TRY_VOID(earlier_.finish(evidence, marks_, only_));
    return evidence;
  }

  const Json& args_;
  const Progress& progress_;
  Places places_;
  std::string record_, conflicts_path_, archive_path_;
  std::set<std::string> only_;
  std::optional<Connection> writer_;
  std::optional<RowSides> sides_;
  Earlier earlier_;
  Json marks_;
  RowCatalogue live_tables_, target_tables_;
  RowMap map_;
  Found found_;
  std::map<std::string, std::string> unkeyed_;
};

}  // namespace

Result<Json> rescue_rows(const Json& args, const Progress& progress) {
  RowRescue rescue(args, progress);
  auto done = rescue.run();
  if (!done && rescue.somebody_else_writes())
    return Error{Code::kConflict, "somebody else writes to " + get_string(args, "target") + ": " + done.error().message,
                 "nothing was carried; end what writes there, and try again"};
  return done;
}

}  // namespace backout::postgresql
