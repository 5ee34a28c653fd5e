#include "database/postgresql/try_sql.h"

#include "base/text.h"
#include "database/postgresql/backup.h"
#include "database/postgresql/habits.h"
#include "database/postgresql/read_catalog.h"
#include "database/postgresql/restore.h"
#include "database/postgresql/script.h"
#include "os/file.h"

namespace backout::postgresql {
namespace {

/// The database beside and the dump that it was made from, gone at the end whatever happens.
class Copy {
 public:
  Copy(Server server, std::string maintenance, std::string name, std::string directory)
      : server_(std::move(server)),
        maintenance_(std::move(maintenance)),
        name_(std::move(name)),
        directory_(std::move(directory)) {}
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;
  ~Copy() {
    (void)drop();
    (void)os::remove_tree(directory_);
  }
  Result<void> drop() {
    auto maintenance = TRY(open_maintenance_for(server_, maintenance_, name_));
    TRY_VOID(drop_unfinished(maintenance, name_));
    TRY(drop_database(maintenance, name_));
    return {};
  }

 private:
  Server server_;
  std::string maintenance_, name_, directory_;
};

/// What the server said against it, with the place; empty: all of it ran.
Result<std::string> run_it(Connection& copy, const std::string& sql) {
  TRY_VOID(copy.exec("SET search_path = \"$user\", public"));
  TRY_VOID(copy.exec("BEGIN"));
  ScriptRunner script(copy);
  auto ran = script.take(sql);
  if (ran) ran = script.finish();
  std::string against = ran ? join(script.complaints(), "; ") : ran.error().message;
  if (against.empty())
    if (const auto ended = copy.exec("COMMIT"); !ended) against = ended.error().message;
  if (!against.empty()) (void)copy.exec("ROLLBACK");
  TRY_VOID(copy.exec("SET search_path = ''"));  // a catalogue is read as the one before it was: names in it are whole
  return one_line(against);
}

}  // namespace

Result<Json> run_try_sql(const Json& args, const Progress& progress) {
  BackupJob backup;
  backup.server = TRY(server_of(args));
  backup.database = TRY(need(args, "database"));
  const std::string directory = TRY(need_path(args, "directory")), scratch = TRY(need_our_database(args, "scratch"));
  const std::string sql = TRY(need(args, "sql")), maintenance = get_string(args, "maintenance");
  backup.directory = directory + "/dump";
  backup.manifest = directory + "/manifest.json";
  backup.programs = get_string(args, "programs");
  Copy made(backup.server, maintenance, scratch, directory);
  TRY_VOID(made.drop());
  TRY_VOID(os::remove_tree(directory));
  TRY_VOID(os::make_directories(directory, 0700));
  const Manifest manifest = TRY(back_up(backup, progress));
  const std::string habits = habits_beside(backup.manifest);
  TRY_VOID(save_habits(backup.server, backup.database, habits, {}));
  RestoreJob restore;
  restore.server = backup.server;
  restore.backup = backup.directory;
  restore.manifest = manifest;
  restore.manifest_sha256 = TRY(os::sha256_of_file(backup.manifest));
  restore.beside = scratch;
  restore.maintenance = maintenance;
  restore.programs = backup.programs;
  TRY(restore_beside(restore, progress));
  auto copy = TRY(Connection::open(backup.server, scratch));
  const auto before = TRY(read_catalog(copy));
  if (progress) progress("trying the migration on " + scratch);
  const BootTime began = system_clock().boot();
  const std::string against = TRY(run_it(copy, sql));
  const Millis took = std::chrono::duration_cast<Millis>(system_clock().boot() - began);
  Json evidence{
      {"applied", against.empty()}, {"why_not", against}, {"took_ms", took.count()}, {"rows", manifest.content.rows()}};
  if (!against.empty()) return evidence;
  const auto after = TRY(read_catalog(copy));
  evidence["comparison"] = schema::to_json(TRY(compare_with_habits(before, after, copy, habits)));
  return evidence;
}

}  // namespace backout::postgresql
