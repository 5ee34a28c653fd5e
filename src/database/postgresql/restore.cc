#include "database/postgresql/restore.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "database/postgresql/dump_files.h"
#include "database/postgresql/owners_in_public.h"
#include "database/postgresql/programs.h"
#include "database/postgresql/sessions.h"
#include "os/file.h"

namespace backout::postgresql {
namespace {

constexpr int kOldestTarget = 120000;
constexpr int kMostRestoreJobs = 16;

/// A database that is dropped again unless it is kept: with a connection of its own, whatever became of the first.
class Draft {
 public:
  Draft(const Server& server, std::string maintenance, std::string name)
      : server_(server), maintenance_(std::move(maintenance)), name_(std::move(name)) {}
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;
  ~Draft() {
    if (!kept_) (void)drop();
  }
  Result<void> drop() {
    auto connection = TRY(open_maintenance(server_, maintenance_));
    TRY(drop_database(connection, name_));
    kept_ = true;
    return {};
  }
  void keep() { kept_ = true; }
  const std::string& name() const { return name_; }

 private:
  Server server_;
  std::string maintenance_, name_;
  bool kept_ = false;
};

Result<void> check_rights(Connection& connection) {
  const Rows row =
      TRY(connection.query("SELECT rolname, rolsuper OR rolcreatedb FROM pg_roles WHERE rolname = current_user"));
  if (row.count() == 1 && row.flag(0, 1)) return {};
  return Error{Code::kDenied, "the role " + (row.count() == 1 ? row.text(0, 0) : "") + " may not make databases",
               "as a superuser: ALTER ROLE " + (row.count() == 1 ? sql_name(row.view(0, 0)) : "...") + " CREATEDB"};
}

/// How the missing role was, as a statement; the password is for a person to set.
std::string create_role(const Role& role) {
  const auto flag = [&](const char* key, const char* word) {
    return get_bool(role.attributes, key) ? std::string(" ") + word : "";
  };
  return "CREATE ROLE " + sql_name(role.name) + flag("login", "LOGIN") + flag("superuser", "SUPERUSER") +
         flag("createdb", "CREATEDB") + flag("createrole", "CREATEROLE") + flag("replication", "REPLICATION") +
         flag("bypassrls", "BYPASSRLS");
}

Result<void> check_roles(Connection& connection, const std::vector<Role>& roles) {
  std::vector<std::string> missing, statements;
  for (const Role& role : roles) {
    if (TRY(connection.integer("SELECT count(*) FROM pg_roles WHERE rolname = $1", {role.name})) == 0) {
      missing.push_back(role.name);
      statements.push_back(create_role(role));
    } else if (role.owns &&
               TRY(connection.text("SELECT pg_has_role(current_user, $1, 'MEMBER')", {role.name})) != "t") {
      return Error{Code::kDenied,
                   "our role may not give objects to the role " + role.name + ", which owned some in the backup",
                   "as a superuser: GRANT " + sql_name(role.name) + " TO our role"};
    }
  }
  if (missing.empty()) return {};
  return Error{Code::kNotFound, "the server lacks roles that the backup leans on: " + join(missing, ", "),
               "make them again: " + join(statements, "; ")};
}

Result<void> check_extensions(Connection& connection, const Manifest& manifest, std::vector<std::string>& notes) {
  for (const auto& [name, version] : manifest.extensions) {
    const Rows row =
        TRY(connection.query("SELECT default_version FROM pg_available_extensions WHERE name = $1", {name}));
    if (row.count() == 0)
      return Error{Code::kUnsupported, "the extension " + name + " is in the backup and not on the server",
                   "install it on the database server"};
    if (row.text(0, 0) != version)
      notes.push_back(
          fmt::format("the extension {} was {} in the backup, the server makes {}", name, version, row.text(0, 0)));
  }
  return {};
}

Result<Program> check_before(Connection& connection, const RestoreJob& job, std::vector<std::string>& notes) {
  const int version = connection.server_version();
  if (version < kOldestTarget || version / 10000 < job.manifest.server_version / 10000)
    return Error{Code::kUnsupported,
                 fmt::format("the backup is of PostgreSQL {}, the server is {}", job.manifest.server_version / 10000,
                             version / 10000),
                 "restore it into a server that is not older, and not before 12"};
  const Program program = TRY(find_program("pg_restore", version, job.programs));
  TRY_VOID(check_rights(connection));
  TRY_VOID(check_roles(connection, job.manifest.roles));
  TRY_VOID(check_extensions(connection, job.manifest, notes));
  TRY_VOID(require_room_on_server(connection, job.manifest.database_size));
  TRY_VOID(check_dump(job.backup, job.manifest));
  return program;
}

Result<void> pour(const RestoreJob& job, const Program& program, const std::string& name) {
  const std::string connection = TRY(connection_argument(job.server, name));
  const auto ran = TRY(run_program(
      {program.path, "--format=directory", fmt::format("--jobs={}", std::clamp(job.jobs, 1, kMostRestoreJobs)),
       "--exit-on-error", "--no-password", "--no-subscriptions", "--dbname=" + connection, job.backup},
      "backout restore", {}));
  if (ran.ok()) return {};
  Error error = program_error(ran, "pg_restore");
  if (error.code == Code::kInternal) error.code = Code::kCorrupt;
  if (error.code == Code::kNoSpace) return std::move(error).with_context("there is no room for " + name);
  return std::move(error).with_context(job.backup + " does not restore");
}

/// A database under an unfinished name that holds what the manifest says.
Result<void> restore_into(const RestoreJob& job, Connection& connection, const Draft& draft, const Program& program,
                          std::vector<std::string>& notes, const Progress& progress) {
  TRY_VOID(create_empty(connection, draft.name(), job.manifest.database));
  for (std::string& refused : TRY(put_settings(connection, draft.name(), job.manifest.database)))
    notes.push_back(std::move(refused));
  if (progress) progress("restoring " + job.manifest.source + " into " + draft.name());
  auto restored = TRY(Connection::open(job.server, draft.name()));
  const LetIn let_in = TRY(let_owners_in(restored, job.manifest.roles));
  TRY_VOID(pour(job, program, draft.name()));
  TRY_VOID(put_owners_out(restored, let_in, job.manifest.catalog));
  const auto faults = TRY(faults_of(restored, job.manifest, notes, progress));
  if (faults.empty()) return {};
  return Error{Code::kCorrupt, job.backup + " does not restore to what it must hold: " + join(faults, "; "),
               "use an older checkpoint: backout releases"};
}

Result<void> analyze(const Server& server, const std::string& name, const Progress& progress) {
  if (progress) progress("gathering statistics");
  auto connection = TRY(Connection::open(server, name));
  return connection.exec("ANALYZE").with_context("ANALYZE");
}

/// The name that stands for a whole database, and the note in its comment, in one transaction.
Result<void> finish(Connection& connection, const std::string& draft, const std::string& name, const Note& note) {
  TRY_VOID(empty_of_sessions(connection, draft));
  TRY_VOID(connection.exec("BEGIN"));
  TRY_VOID(connection.exec(note_statement(draft, note)));
  TRY_VOID(connection.exec("ALTER DATABASE " + sql_name(draft) + " RENAME TO " + sql_name(name)));
  return connection.exec("COMMIT");
}

/// True: it is there, whole, made from the same. What is ours and of something else is dropped.
Result<bool> already_there(Connection& connection, const std::string& name, const std::string& made_from) {
  if (!TRY(find_database(connection, name))) return false;
  if (TRY(is_half_dropped(connection, name))) {
    TRY(drop_database(connection, name));
    return false;
  }
  const auto note = TRY(read_note(connection, name));
  if (!note)
    return Error{Code::kConflict, "there is a database " + name + " already, and it bears no note of backout",
                 "look whose it is, and rename it or drop it"};
  if (note->made_from == made_from) return true;
  TRY(drop_database(connection, name));
  return false;
}

Json evidence_of(const Restored& restored, const DatabaseFacts& dress, BootTime began) {
  Json shown = to_json(dress);
  shown.erase("settings");
  return {{"database", restored.database},
          {"was_there", restored.was_there},
          {"tables", restored.tables},
          {"rows", restored.rows},
          {"dress", shown},
          {"notes", restored.notes},
          {"took_ms", (system_clock().boot() - began).count()}};
}

Result<RestoreJob> job_from(const Json& args, const Json& source, const std::string& name_key) {
  RestoreJob job;
  job.server = TRY(server_of(args));
  job.beside = TRY(need_our_database(args, name_key));
  job.backup = TRY(need_path(source, "backup"));
  job.manifest = TRY(manifest_of(source));
  job.manifest_sha256 = TRY(os::sha256_of_file(TRY(need_path(source, "manifest"))));
  job.maintenance = get_string(args, "maintenance");
  job.jobs = static_cast<int>(get_int(args, "jobs", job.jobs));
  job.programs = get_string(args, "programs");
  return job;
}

}  // namespace

Result<Restored> restore_beside(const RestoreJob& job, const Progress& progress) {
  auto connection = TRY(open_maintenance_for(job.server, job.maintenance, job.beside));
  Restored restored{.database = job.beside,
                    .tables = static_cast<int64_t>(job.manifest.content.tables.size()),
                    .rows = job.manifest.content.rows(),
                    .notes = job.manifest.notes};
  restored.was_there = TRY(already_there(connection, job.beside, job.manifest_sha256));
  if (restored.was_there) return restored;
  const Program program = TRY(check_before(connection, job, restored.notes));
  TRY_VOID(drop_unfinished(connection, job.beside));
  Draft draft(job.server, job.maintenance, unfinished_name(job.beside));
  TRY_VOID(restore_into(job, connection, draft, program, restored.notes, progress));
  TRY_VOID(analyze(job.server, draft.name(), progress));
  const Note note{job.manifest_sha256, to_iso(system_clock().wall()), job.manifest.database};
  TRY_VOID(finish(connection, draft.name(), job.beside, note));
  draft.keep();
  return restored;
}

Result<Restored> copy_beside(const CopyJob& job, const Progress& progress) {
  const auto& [server, kept, beside, maintenance] = job;
  auto connection = TRY(open_maintenance_for(server, maintenance, beside));
  Restored restored{.database = beside};
  const std::string made_from = "template " + kept;
  restored.was_there = TRY(already_there(connection, beside, made_from));
  if (restored.was_there) return restored;
  DatabaseFacts facts = TRY(read_database_facts(connection, kept));
  TRY_VOID(check_rights(connection));
  TRY_VOID(require_room_on_server(connection,
                                  static_cast<uint64_t>(TRY(connection.integer(
                                      "SELECT pg_database_size(oid) FROM pg_database WHERE datname = $1", {kept})))));
  TRY_VOID(drop_unfinished(connection, beside));
  Draft draft(server, maintenance, unfinished_name(beside));
  if (progress) progress("copying " + kept);
  TRY_VOID(create_copy(connection, draft.name(), kept));
  restored.notes = TRY(put_settings(connection, draft.name(), facts));
  // A kept one that was closed bears in its note how it looked when it was live.
  const auto kept_note = TRY(read_note(connection, kept));
  const Note note{made_from, to_iso(system_clock().wall()), kept_note ? kept_note->dress : facts};
  TRY_VOID(finish(connection, draft.name(), beside, note));
  draft.keep();
  return restored;
}

Result<Json> run_restore(const Json& args, const Progress& progress) {
  const BootTime began = system_clock().boot();
  const Json& source = get(args, "source");
  const Server server = TRY(server_of(args));
  const std::string beside = TRY(need_our_database(args, "beside"));
  const std::string kept = get_string(source, "template");
  const Restored restored = kept.empty()
                                ? TRY(restore_beside(TRY(job_from(args, source, "beside")), progress))
                                : TRY(copy_beside({server, kept, beside, get_string(args, "maintenance")}, progress));
  auto connection = TRY(open_maintenance(server, get_string(args, "maintenance")));
  const auto note = TRY(read_note(connection, beside));
  if (!note) return Error{Code::kInternal, "the database " + beside + " bears no note", ""};
  return evidence_of(restored, note->dress, began);
}

Result<Json> run_verify_backup(const Json& args, const Progress& progress) {
  const BootTime began = system_clock().boot();
  const RestoreJob job = TRY(job_from(args, args, "scratch"));
  auto connection = TRY(open_maintenance_for(job.server, job.maintenance, job.beside));
  std::vector<std::string> notes = job.manifest.notes;
  const Program program = TRY(check_before(connection, job, notes));
  TRY_VOID(drop_unfinished(connection, job.beside));
  Draft draft(job.server, job.maintenance, unfinished_name(job.beside));
  TRY_VOID(restore_into(job, connection, draft, program, notes, progress));
  TRY_VOID(draft.drop());
  const Json record{{"manifest_sha256", job.manifest_sha256}, {"verified_at", to_iso(system_clock().wall())}};
  TRY_VOID(os::write_file_atomic(job.backup + ".verified.json", canonical(record) + "\n", 0600));
  return Json{{"verified", true},
              {"tables", job.manifest.content.tables.size()},
              {"rows", job.manifest.content.rows()},
              {"notes", notes},
              {"took_ms", (system_clock().boot() - began).count()}};
}

namespace {

/// The live database, which a step down that was killed left closed.
Result<bool> is_closed_still(Connection& connection, const Json& args) {
  const std::string name = get_string(args, "reopen");
  if (name.empty()) return false;
  const auto database = TRY(find_database(connection, name));
  return database && !database->open;
}

}  // namespace

Result<Json> run_discard(const Json& args, const Progress&) {
  const Server server = TRY(server_of(args));
  const std::string database = TRY(need_our_database(args, "database"));
  auto connection = TRY(open_maintenance_for(server, get_string(args, "maintenance"), database));
  TRY_VOID(drop_unfinished(connection, database));
  const bool was_there = TRY(drop_database(connection, database));
  if (TRY(is_closed_still(connection, args))) TRY_VOID(open_database(connection, get_string(args, "reopen")));
  return Json{{"removed", database}, {"was_there", was_there}};
}

Result<Json> run_discard_tests(const Json& args, const Progress&) {
  auto connection = TRY(open_maintenance(TRY(server_of(args)), get_string(args, "maintenance")));
  return Json{{"removed", TRY(drop_left_by_tests(connection, TRY(need(args, "database"))))}};
}

Result<Json> look_at_restored(const Json& args) {
  const Server server = TRY(server_of(args));
  const std::string beside = TRY(need_our_database(args, "beside"));
  const Json& source = get(args, "source");
  const std::string kept = get_string(source, "template");
  auto connection = TRY(open_maintenance(server, get_string(args, "maintenance")));
  const auto note = TRY(read_note(connection, beside));
  if (!note) return sight(false, "there is no database " + beside + " that was made whole");
  const std::string wanted =
      kept.empty() ? TRY(os::sha256_of_file(TRY(need_path(source, "manifest")))) : "template " + kept;
  if (note->made_from != wanted) return sight(false, "the database " + beside + " was made from something else");
  return sight(true, "the database " + beside + " was compared with its manifest when it was made",
               {{"made_at", note->made_at}});
}

Result<Json> look_at_verified(const Json& args) {
  const std::string backup = TRY(need_path(args, "backup"));
  const auto manifest = manifest_of(args);
  if (!manifest) return sight(false, manifest.error().message);
  const auto record = os::read_file(backup + ".verified.json");
  const auto parsed = record ? parse_json(*record) : Result<Json>(record.error());
  const auto sha256 = TRY(os::sha256_of_file(TRY(need_path(args, "manifest"))));
  if (!parsed || get_string(*parsed, "manifest_sha256") != sha256)
    return sight(false, "it was not restored and compared yet");
  return sight_of(check_dump(backup, *manifest), "restored and compared before, and its files are the same");
}

Result<Json> look_at_discarded(const Json& args) {
  const Server server = TRY(server_of(args));
  const std::string database = TRY(need_our_database(args, "database"));
  auto connection = TRY(open_maintenance(server, get_string(args, "maintenance")));
  const bool there = TRY(find_database(connection, database)).has_value();
  if (!there && !TRY(unfinished_of(connection, database)).empty())
    return sight(false, "an unfinished one of " + database + " is left");
  if (!there && TRY(is_closed_still(connection, args)))
    return sight(false, "the database " + get_string(args, "reopen") + " is closed still");
  return sight(!there, there ? "the database " + database + " is there" : "there is no database " + database);
}

}  // namespace backout::postgresql
