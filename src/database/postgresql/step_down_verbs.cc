#include "database/postgresql/step_down_verbs.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "database/postgresql/create.h"
#include "database/postgresql/habits.h"
#include "database/postgresql/live_sight.h"
#include "database/postgresql/marks.h"
#include "database/postgresql/read_catalog.h"
#include "database/postgresql/rescue.h"
#include "database/postgresql/restore.h"
#include "database/postgresql/row_files.h"
#include "database/postgresql/row_renames.h"
#include "database/postgresql/same_catalog.h"
#include "database/postgresql/sessions.h"
#include "database/postgresql/step_down.h"
#include "os/file.h"
#include "schema/postgresql/renames.h"

namespace backout::postgresql {
namespace {

using schema::postgresql::Catalog;

constexpr Millis kSessionsGo{10'000};
constexpr const char* kRestoreInstead = "restore instead: --rung restore";

std::vector<std::string> strings_in(const Json& list) {
  std::vector<std::string> out;
  for (const Json& each : list)
    if (each.is_string()) out.push_back(each.get<std::string>());
  return out;
}

Result<StepDownJob> job_of_down(const Json& args, const std::string& copy) {
  StepDownJob job;
  job.server = TRY(server_of(args));
  job.maintenance = get_string(args, "maintenance");
  job.copy = copy;
  job.noted = strings_in(get(args, "noted"));
  for (const Json& each : get(args, "downs")) job.downs.push_back(down_from_json(each));
  if (job.downs.empty()) return Error{Code::kInvalid, "the argument 'downs' is missing", ""};
  return job;
}

/// Dropped at the end, whatever happens; what a killed try left goes at the beginning of the next.
class Scratch {
 public:
  Scratch(Server server, std::string maintenance) : server_(std::move(server)), maintenance_(std::move(maintenance)) {}
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    for (const std::string& name : names_) (void)drop(name);
  }
  void add(const std::string& name) { names_.push_back(name); }
  Result<void> drop(const std::string& name) {
    auto maintenance = TRY(open_maintenance_for(server_, maintenance_, name));
    TRY_VOID(drop_unfinished(maintenance, name));
    TRY(drop_database(maintenance, name));
    return {};
  }

 private:
  Server server_;
  std::string maintenance_;
  std::vector<std::string> names_;
};

/// The application's role works on it as on the live one: owner and rights are those. The comment stays ours.
Result<void> let_the_tool_in(const Server& server, const std::string& maintenance_name, const std::string& copy) {
  auto maintenance = TRY(open_maintenance(server, maintenance_name));
  const auto note = TRY(read_note(maintenance, copy));
  if (!note) return Error{Code::kConflict, "the copy " + copy + " bears no note of backout", "plan the rollback again"};
  for (const std::string& statement : dress_statements(copy, note->dress))
    if (!statement.starts_with("COMMENT")) TRY_VOID(maintenance.exec(statement).with_context("preparing " + copy));
  return {};
}

/// The old code must fit what the downs left: by the rules, by its statements, by its migrator.
Result<std::vector<std::string>> fits_the_old_code(const Json& against, Connection& copy) {
  const Manifest manifest = TRY(manifest_of(against));
  const Catalog wanted = TRY(schema::postgresql::catalog_from_json(manifest.catalog).with_context("the checkpoint"));
  const Catalog there = TRY(read_catalog(copy));
  const auto comparison = TRY(compare_with_habits(wanted, there, copy, get_string(against, "habits")));
  if (comparison.rung != schema::Rung::kLeave)
    return Error{Code::kRefused,
                 "with these migrations undone the schema is still not the checkpoint's: " + comparison.why(),
                 kRestoreInstead};
  std::vector<std::string> notes;
  for (const std::string& fault : differences_of(there, wanted).faults)
    notes.push_back("not quite as before: " + fault);
  return notes;
}

/// Names that the downs changed back, as the difference of two databases of which one is a copy of the other.
Result<Json> renamed_between(const Server& server, const std::string& before, const std::string& after) {
  auto old_one = TRY(Connection::open(server, before)), new_one = TRY(Connection::open(server, after));
  const Catalog now = TRY(read_catalog(old_one));
  Catalog then = TRY(read_catalog(new_one));
  then.origin = now.origin;  // files were copied: oids are the same
  return schema::postgresql::to_json(schema::postgresql::renames(then, now));
}

/// The table in which a tool that we do not know by name notes what is applied: not rows of users.
std::string own_books(const Json& migrations) {
  const bool pairs = get_string(migrations, "tool") == "sql";
  return schema::postgresql::shown(get_string(get(migrations, "how"), "table", pairs ? "schema_migrations" : ""));
}

/// What the downs did to rows: {"orders": {"update": 3}}; empty: nothing.
Result<Json> rows_changed(const Json& args, const std::string& before, const std::string& after,
                          const driver::Progress& progress) {
  if (progress) progress("comparing every row with what it was before");
  const Json renamed = TRY(renamed_between(TRY(server_of(args)), before, after));
  const Json counted = TRY(diff_rows(
      {{"server", get(args, "server")}, {"live", before}, {"target", after}, {"renamed", renamed}}, progress));
  Json changed = get(counted, "rows");
  for (const auto& [table, why] : get(counted, "unkeyed").items()) changed[table] = {{"why", why}};
  if (const std::string books = own_books(get(args, "migrations")); !books.empty()) changed.erase(books);
  return changed;
}

std::string in_words(const Json& changed) {
  std::vector<std::string> parts;
  for (const auto& [table, counts] : changed.items()) parts.push_back(table + " " + canonical(counts));
  return one_line(join(parts, ", "));
}

Result<void> none_changed(const Json& args, const Json& changed) {
  if (changed.empty() || get_bool(args, "accept_loss")) return {};
  return Error{Code::kRefused, "undoing the migrations changes rows: " + in_words(changed),
               std::string("nothing is changed; ") + kRestoreInstead + ", or accept it: --rung step-down"};
}

/// A migration that rewrote rows leaves no trace in a schema; against the checkpoint's rows it shows.
Result<Json> since_the_checkpoint(const Json& args, const std::string& stepped_down, const std::string& scratch,
                                  Scratch& made, const driver::Progress& progress) {
  const Json& against = get(args, "against");
  if (get_string(against, "backup").empty()) return Json::object();
  RestoreJob job;
  job.server = TRY(server_of(args));
  job.backup = get_string(against, "backup");
  job.manifest = TRY(manifest_of(against));
  job.manifest_sha256 = TRY(os::sha256_of_file(get_string(against, "manifest")));
  job.beside = scratch;
  job.maintenance = get_string(args, "maintenance");
  made.add(scratch);
  TRY_VOID(made.drop(scratch));
  TRY(restore_beside(job, progress));
  const Json counted =
      TRY(diff_rows({{"server", get(args, "server")}, {"live", stepped_down}, {"target", scratch}}, progress));
  if (get(counted, "undecided").empty() || get_bool(args, "accept_loss")) return counted;
  return Error{Code::kRefused,
               "a migration rewrote rows, and undoing it does not put them back: " +
                   one_line(join(strings_in(get(counted, "rewritten")), "; ")),
               std::string("nothing is changed; ") + kRestoreInstead};
}

Json told(const std::vector<SteppedDown>& done) {
  Json list = Json::array();
  for (const SteppedDown& each : done) list.push_back({{"migration", each.name}, {"took_ms", each.took.count()}});
  return list;
}

Result<MigrationCalls> calls_of(const Json& args) {
  const auto maintenance = TRY(open_maintenance(TRY(server_of(args)), get_string(args, "maintenance")));
  return MigrationCalls::of(get(args, "migrations"), maintenance);
}

}  // namespace

namespace {

Result<Json> try_down(const Json& args, const MigrationCalls& calls, const driver::Progress& progress) {
  const BootTime began = system_clock().boot();
  const std::string scratch = TRY(need_our_database(args, "scratch"));
  StepDownJob job = TRY(job_of_down(args, scratch));
  job.live = TRY(need(args, "database"));
  {
    auto maintenance = TRY(open_maintenance(job.server, job.maintenance));
    TRY_VOID(nothing_in_the_way(maintenance, job.live));
  }
  Scratch made(job.server, job.maintenance);
  made.add(scratch);
  TRY_VOID(made.drop(scratch));
  const Json& save = get(args, "save");
  const std::string manifest = TRY(need_path(save, "manifest"));
  RestoreJob saved;
  saved.server = job.server;
  saved.backup = TRY(need_path(save, "backup"));
  saved.manifest = TRY(manifest_of(save));
  saved.manifest_sha256 = TRY(os::sha256_of_file(manifest));
  saved.beside = scratch;
  saved.maintenance = job.maintenance;
  TRY(restore_beside(saved, progress));
  const std::string untouched = unfinished_name(scratch);
  {
    auto maintenance = TRY(open_maintenance_for(job.server, job.maintenance, scratch));
    TRY_VOID(empty_of_sessions(maintenance, scratch));
    TRY_VOID(create_copy(maintenance, untouched, scratch));
  }
  TRY_VOID(let_the_tool_in(job.server, job.maintenance, scratch));
  const BootTime downs_began = system_clock().boot();
  const auto done = TRY(step_down(job, calls, progress));
  const Millis downs_took = std::chrono::duration_cast<Millis>(system_clock().boot() - downs_began);
  std::vector<std::string> notes;
  {
    auto copy = TRY(Connection::open(job.server, scratch));
    notes = TRY(fits_the_old_code(get(args, "against"), copy));
  }
  const Json changed = TRY(rows_changed(args, untouched, scratch, progress));
  TRY_VOID(none_changed(args, changed));
  const Json since = TRY(since_the_checkpoint(args, scratch, TRY(need_our_database(args, "then")), made, progress));
  Json catalogs = Json::array();
  for (const SteppedDown& each : done) catalogs.push_back(schema::postgresql::to_json(each.catalog));
  Json evidence{
      {"tried", told(done)},     {"downs_ms", downs_took.count()},
      {"rows_changed", changed}, {"rows", get(since, "rows").is_object() ? get(since, "rows") : Json::object()},
      {"notes", notes},          {"took_ms", (system_clock().boot() - began).count()}};
  return Json{{"downs", get(args, "downs")}, {"catalogs", catalogs}, {"evidence", evidence}};
}

}  // namespace

Result<Json> run_try_down(const Json& args, const driver::Progress& progress) {
  const std::string result = TRY(need_path(args, "result"));
  const MigrationCalls calls = TRY(calls_of(args));
  const LiveSight before = TRY(look_at_live(args, calls));
  const auto tried = try_down(args, calls, progress);
  TRY_VOID(live_is_untouched(args, calls, before, tried ? "" : tried.error().message));
  if (!tried) return tried.error();
  TRY_VOID(os::write_file_atomic(result, canonical(*tried) + "\n", 0600));
  return get(*tried, "evidence");
}

Result<Json> look_at_tried(const Json& args) {
  const auto text = os::read_file(TRY(need_path(args, "result")));
  const auto written = text ? parse_json(*text) : Result<Json>(text.error());
  if (!written) return sight(false, "not tried yet");
  if (get(*written, "downs") != get(args, "downs")) return sight(false, "other migrations were tried");
  return sight(true, "every migration was undone on a copy with the saved rows", get(*written, "evidence"));
}

namespace {

/// Opens the live database again, whatever became of the copy.
class Reopened {
 public:
  Reopened(const Server& server, std::string maintenance, std::string name)
      : server_(server), maintenance_(std::move(maintenance)), name_(std::move(name)) {}
  Reopened(const Reopened&) = delete;
  Reopened& operator=(const Reopened&) = delete;
  ~Reopened() {
    if (auto connection = open_maintenance(server_, maintenance_)) (void)open_database(*connection, name_);
  }

 private:
  Server server_;
  std::string maintenance_, name_;
};

/// Copied while nobody is in it; what its tables had counted at that moment. Leaves it closed.
Result<Json> copy_of_live(const Json& args, const std::string& incoming, const driver::Progress& progress) {
  const Server server = TRY(server_of(args));
  const std::string name = TRY(need(args, "database")), maintenance_name = get_string(args, "maintenance");
  auto maintenance = TRY(open_maintenance_for(server, maintenance_name, incoming));
  TRY_VOID(drop_unfinished(maintenance, incoming));
  TRY(drop_database(maintenance, incoming));
  TRY_VOID(open_database(maintenance, name));  // a killed try left it closed
  const auto database = TRY(find_database(maintenance, name));
  if (!database) return Error{Code::kNotFound, "there is no database " + name, "see what there is: psql -l"};
  auto live = TRY(Connection::open(server, name));
  TRY_VOID(close_database(maintenance, name));
  TRY(end_sessions(maintenance, database->oid, {live.process_id()}, kSessionsGo));
  Json marks = TRY(marks_of(live));
  live = Connection();
  TRY(end_sessions(maintenance, database->oid, {}, kSessionsGo));
  maintenance = Connection();
  TRY(copy_beside({server, name, incoming, maintenance_name}, progress));
  return marks;
}

/// What the stepped down schema has no place for: JSON lines, as a rescue writes them.
Result<Json> archive_what_went(const Json& args, const std::string& incoming) {
  const Server server = TRY(server_of(args));
  const std::string name = TRY(need(args, "database")), path = TRY(need_path(args, "archive"));
  const Json renamed = TRY(renamed_between(server, name, incoming));
  auto sides = TRY(RowSides::open(server, name, incoming, ""));
  const auto target = TRY(read_row_catalogue(sides.target));
  auto live = TRY(read_row_catalogue(sides.live));
  rename_as_before(live, schema::postgresql::renames_from_json(renamed));
  const RowMap map = map_rows(live, target, {});
  auto archive = TRY(os::LinesFile::create(path));
  Json words = Json::array(), tables = Json::object(), columns = Json::object();
  for (const MappedTable& table : map.tables)
    if (const int64_t rows = TRY(archive_columns(sides.live, table, archive)); rows > 0) {
      columns[table.shown] = rows;
      words.push_back(fmt::format("{}: the values of {} in {} go to the archive: the old schema has no place for them",
                                  table.shown, join(table.only_live, ", "), counted(rows, "row")));
    }
  for (const RowTable& table : map.new_tables)
    if (const int64_t rows = TRY(archive_table(sides.live, table, "the table is new", archive)); rows > 0) {
      tables[table.shown()] = rows;
      words.push_back(fmt::format("{}: new; to the archive: {}", table.shown(), counted(rows, "row")));
    }
  const bool any = archive.lines() > 0;
  TRY_VOID(archive.finish());
  Json archived{{"tables", tables}, {"columns", columns}};
  if (any) archived["file"] = path;
  return Json{{"archived", archived}, {"not_carried", words}};
}

Result<std::vector<Catalog>> as_tried(const Json& args) {
  const std::string path = TRY(need_path(args, "trial"));
  const Json trial = TRY(parse_json(TRY(os::read_file(path))).with_context(path));
  if (get(trial, "downs") != get(args, "downs"))
    return Error{Code::kConflict, "other migrations were tried than are to be undone", "plan the rollback again"};
  std::vector<Catalog> catalogs;
  for (const Json& each : get(trial, "catalogs"))
    catalogs.push_back(TRY(schema::postgresql::catalog_from_json(each).with_context(path)));
  return catalogs;
}

}  // namespace

Result<Json> run_step_down(const Json& args, const driver::Progress& progress) {
  const BootTime began = system_clock().boot();
  const std::string incoming = TRY(need_our_database(args, "incoming")), record = TRY(need_path(args, "record"));
  StepDownJob job = TRY(job_of_down(args, incoming));
  job.expected = TRY(as_tried(args));
  const MigrationCalls calls = TRY(calls_of(args));
  TRY_VOID(os::remove_file(record));
  const std::string live = TRY(need(args, "database"));
  Json marks;
  std::vector<SteppedDown> done;
  Millis copied{0};
  {
    // Closed until everything is undone: a tool that goes elsewhere is sent away by the server.
    const Reopened reopened(job.server, job.maintenance, live);
    marks = TRY(copy_of_live(args, incoming, progress));
    copied = std::chrono::duration_cast<Millis>(system_clock().boot() - began);
    TRY_VOID(let_the_tool_in(job.server, job.maintenance, incoming));
    done = TRY(step_down(job, calls, progress));
  }
  Json evidence = TRY(archive_what_went(args, incoming));
  const Json changed = TRY(rows_changed(args, live, incoming, progress));
  TRY_VOID(none_changed(args, changed));
  auto copy = TRY(Connection::open(job.server, incoming));
  evidence["notes"] = TRY(fits_the_old_code(get(args, "against"), copy));
  const Catalog left = TRY(read_catalog(copy));
  const int64_t oid = TRY(copy.integer("SELECT oid::int8 FROM pg_database WHERE datname = current_database()"));
  copy = Connection();
  if (!changed.empty())
    evidence["not_carried"].push_back("undoing the migrations changed rows, which was accepted: " + in_words(changed));
  evidence["rows_changed"] = changed;
  evidence["stepped_down"] = told(done);
  evidence["copy_ms"] = copied.count();
  evidence["took_ms"] = (system_clock().boot() - began).count();
  const Json written{{"evidence", evidence},
                     {"marks", marks},
                     {"target_oid", oid},
                     {"schema_hash", hash_of_objects(left)},
                     {"noted", job.downs.back().after}};
  TRY_VOID(os::write_file_atomic(record, canonical(written) + "\n", 0600));
  return evidence;
}

Result<Json> look_at_stepped_down(const Json& args) {
  const auto text = os::read_file(TRY(need_path(args, "record")));
  const auto record = text ? parse_json(*text) : Result<Json>(text.error());
  if (!record) return sight(false, "not stepped down yet");
  auto maintenance = TRY(open_maintenance(TRY(server_of(args)), get_string(args, "maintenance")));
  const auto copy = TRY(find_database(maintenance, TRY(need(args, "incoming"))));
  if (!copy || copy->oid != get_int(*record, "target_oid"))
    return sight(false, "the copy that was stepped down is not there any more");
  return sight(true, "the migrations are undone on the copy, and every row is there", get(*record, "evidence"));
}

Result<Json> look_at_live_stepped_down(const Json& args) {
  const Json record = TRY(parse_json(TRY(os::read_file(TRY(need_path(args, "record"))))));
  const MigrationCalls calls = TRY(calls_of(args));
  LiveSight live = TRY(look_at_live(args, calls));
  if (hash_of_objects(live.catalog) != get_string(record, "schema_hash"))
    return sight(false, "the database does not have the schema that the step down left");
  std::sort(live.noted.begin(), live.noted.end());
  if (live.noted != strings_in(get(record, "noted")))
    return sight(false, "the applied migrations are not those of before the release");
  return sight(true, "schema and applied migrations are those that " +
                         counted(static_cast<int64_t>(get(get(record, "evidence"), "stepped_down").size()), "down") +
                         " left");
}

}  // namespace backout::postgresql
