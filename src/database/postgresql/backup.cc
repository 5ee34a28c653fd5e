#include "database/postgresql/backup.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>

#include "base/hash.h"
#include "base/ids.h"
#include "base/text.h"
#include "database/postgresql/create.h"
#include "database/postgresql/dump_files.h"
#include "database/postgresql/fingerprints.h"
#include "database/postgresql/habits.h"
#include "database/postgresql/horizon.h"
#include "database/postgresql/marks.h"
#include "database/postgresql/point.h"
#include "database/postgresql/programs.h"
#include "database/postgresql/read_catalog.h"
#include "database/postgresql/slot.h"
#include "os/file.h"

namespace backout::postgresql {
namespace {

constexpr int kMostJobs = 16;

/// What sessions of this backup call themselves: those of an earlier try that was killed are found by it.
std::string session_name(const std::string& directory) { return "backout dump " + sha256_hex(directory).substr(0, 16); }

/// Who keeps the tables from being read: "process 4711 (web) holds ACCESS EXCLUSIVE on public.orders".
std::string who_is_in_the_way(const Server& server, const std::string& database) {
  auto connection = Connection::open(server, database);
  if (!connection) return "";
  const auto rows = connection->query(
      "SELECT coalesce('process ' || l.pid || ' (' || coalesce(nullif(a.application_name, ''), a.usename::text, '?') "
      "|| ')', 'a prepared transaction') || CASE WHEN l.granted THEN ' holds ' ELSE ' waits for ' END || "
      "'ACCESS EXCLUSIVE on ' || coalesce(l.relation::regclass::text, '?') FROM pg_locks l LEFT JOIN pg_stat_activity "
      "a ON a.pid = l.pid WHERE l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND "
      "l.mode = 'AccessExclusiveLock' AND l.locktype = 'relation' AND l.pid IS DISTINCT FROM pg_backend_pid() "
      "ORDER BY l.granted DESC, l.pid LIMIT 3");
  if (!rows) return "";
  std::vector<std::string> all;
  for (int i = 0; i < rows->count(); ++i) all.push_back(one_line(rows->text(i, 0)));
  return join(all, ", ");
}

Error with_who_is_in_the_way(Error error, const BackupJob& job) {
  if (error.code != Code::kBusy) return error;
  const std::string who = who_is_in_the_way(job.server, job.database);
  error.message = "a table of " + job.database + " cannot be read: " + (who.empty() ? error.message : who);
  error.next = "let the migration end, or end that session, then again";
  return error;
}

/// The session that holds the snapshot.
class Source {
 public:
  static Result<Source> open(const BackupJob& job) {
    Source source(TRY(Connection::open(job.server, job.database)));
    Connection& connection = source.connection_;
    TRY_VOID(connection.is_fit());
    TRY_VOID(connection.exec("SET lock_timeout = '4s'"));
    return source;
  }

  /// Locks the definitions, then takes the snapshot. `beside`: another session; the place in the log is noted, too.
  Result<void> begin(Manifest& manifest, Connection* beside) {
    std::string names = TRY(lock());
    if (beside != nullptr)
      manifest.point = TRY(note_quiet_instant(connection_, *beside, [&]() -> Result<void> {
        names = TRY(lock());
        return {};
      }));
    manifest.taken_at = to_iso(system_clock().wall());
    snapshot_ = TRY(connection_.text("SELECT pg_export_snapshot()"));
    if (TRY(lockable()) != names)
      return Error{Code::kBusy, "tables were made or dropped just now", "let the migration end, then again"};
    manifest.lsn = TRY(connection_.text("SELECT pg_current_wal_lsn()"));
    manifest.snapshot = TRY(connection_.text(
        connection_.server_version() >= 130000 ? "SELECT pg_current_snapshot()" : "SELECT txid_current_snapshot()"));
    return {};
  }

  Connection& connection() { return connection_; }
  const std::string& snapshot() const { return snapshot_; }

 private:
  explicit Source(Connection connection) : connection_(std::move(connection)) {}

  /// Begins the transaction; its snapshot is not taken yet. What was locked.
  Result<std::string> lock() {
    std::string names = TRY(lockable());
    TRY_VOID(connection_.exec("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"));
    if (!names.empty()) TRY_VOID(connection_.exec("LOCK TABLE " + names + " IN ACCESS SHARE MODE"));
    return names;
  }

  /// What pg_dump locks as well: not what belongs to an extension, unless rows of it are dumped.
  Result<std::string> lockable() {
    return connection_.text(
        "SELECT string_agg(format('%I.%I', n.nspname, c.relname), ', ' ORDER BY c.oid) FROM pg_class c JOIN "
        "pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND "
        "n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' AND NOT EXISTS (SELECT FROM pg_depend d JOIN "
        "pg_extension x ON x.oid = d.refobjid WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND "
        "d.deptype = 'e' AND (x.extconfig IS NULL OR c.oid <> ALL (x.extconfig)))");
  }

  Connection connection_;
  std::string snapshot_;
};

Result<void> describe(Connection& connection, Manifest& manifest) {
  manifest.server_version = connection.server_version();
  manifest.database = TRY(read_database_facts(connection, manifest.source));
  manifest.database_size =
      static_cast<uint64_t>(TRY(connection.integer("SELECT pg_database_size(current_database())")));
  manifest.system_identifier = connection.text("SELECT system_identifier FROM pg_control_system()").value_or("");
  manifest.horizon["marks"] = TRY(marks_of(connection));
  const Rows prepared = TRY(connection.query(
      "SELECT gid, owner, prepared::timestamptz(0)::text FROM pg_prepared_xacts WHERE database = current_database()"));
  for (int i = 0; i < prepared.count(); ++i)
    manifest.notes.push_back(
        fmt::format("the prepared transaction '{}' of {} is open since {}: what it wrote is not in the backup",
                    one_line(prepared.text(i, 0)), one_line(prepared.text(i, 1)), prepared.text(i, 2)));
  return {};
}

/// Room for the tables' own bytes packed to half; a disk that fills up all the same is found when it does.
Result<void> look_for_room(Connection& connection, const BackupJob& job) {
  const int64_t bytes =
      TRY(connection.integer("SELECT coalesce(sum(pg_table_size(oid)), 0)::bigint FROM pg_class WHERE relkind IN ('r', "
                             "'m') AND oid >= 16384"));
  return require_space(parent_of(job.directory), static_cast<uint64_t>(bytes) / 2, "a backup of " + job.database);
}

/// Ends what an earlier try left on the server and on the disk.
Result<void> clear_earlier_tries(Connection& connection, const BackupJob& job) {
  (void)connection.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1",
                         {session_name(job.directory)});
  const std::string parent = parent_of(job.directory), start = job.directory.substr(parent.size() + 1) + ".partial-";
  const auto names = TRY(os::list_directory(parent));
  for (const std::string& name : names)
    if (name.starts_with(start)) TRY_VOID(os::remove_tree(parent + "/" + name));
  return {};
}

Result<void> clear_place(const BackupJob& job) {
  TRY_VOID(os::remove_file(job.manifest));
  if (!os::exists(job.directory)) return {};
  if (!looks_like_dump(job.directory))
    return Error{Code::kConflict, job.directory + " is there already and is no dump", "move it away and try again"};
  return os::remove_tree(job.directory);
}

/// pg_dump in a thread of its own, ended when this goes.
class Dumping {
 public:
  Dumping(std::vector<std::string> argv, std::string session)
      : thread_([this, argv = std::move(argv), session = std::move(session)](const std::stop_token& stop) {
          result_ = run_program(argv, session, stop);
          ended_ = true;
        }) {}
  bool failed() const { return ended_ && (!*result_ || !(*result_)->ok()); }
  Result<void> finish() {
    thread_.join();
    TRY_VOID(result_->has_value() ? Result<void>() : Result<void>(result_->error()));
    if ((*result_)->ok()) return {};
    return program_error(**result_, "pg_dump");
  }

 private:
  std::optional<Result<os::ProcessResult>> result_;
  std::atomic<bool> ended_ = false;
  std::jthread thread_;  // last: it uses the others
};

/// The slot of a backup that is being made: made before the snapshot, so that nothing is between the two (what is in
/// both is known by its transaction), and dropped again when the backup does not become whole.
class Following {
 public:
  explicit Following(const BackupJob& job) : job_(job), name_(slot_name(job.database, job.directory)) {}
  Following(const Following&) = delete;
  Following& operator=(const Following&) = delete;
  ~Following() {
    if (made_) (void)drop_slots(job_.server, job_.database, others_);
  }

  /// What the horizon says of it. Without a slot everything goes on, and it is said why.
  Json begin(const Progress& progress) {
    if (!job_.capture) return Json::object();
    if (progress) progress("making a replication slot");
    auto slot = make_slot(job_.server, job_.database, name_, job_.wait_for_writers);
    if (!slot) {
      const Error& error = slot.error();
      return {{"no_slot", error.message + (error.next.empty() ? "" : "; " + error.next)}};
    }
    made_ = true;
    if (auto connection = Connection::open(job_.server, job_.database))
      if (const auto there = our_slots(*connection, job_.database))
        for (const Slot& each : *there)
          if (each.name != name_) others_.insert(each.name);
    return {{"slot", *std::move(slot)}};
  }
  /// The backup is whole: those of earlier ones are over, also when this one has none.
  void keep() {
    if (!job_.capture) return;
    (void)drop_slots(job_.server, job_.database, made_ ? std::set<std::string>{name_} : std::set<std::string>{});
    made_ = false;
  }

 private:
  const BackupJob& job_;
  std::string name_;
  bool made_ = false;
  std::set<std::string> others_;
};

std::vector<std::string> dump_command(const BackupJob& job, const Program& program, const std::string& snapshot,
                                      const std::string& into, const std::string& connection) {
  return {program.path,
          "--format=directory",
          "--file=" + into,
          fmt::format("--jobs={}", std::clamp(job.jobs, 1, kMostJobs)),
          "--compress=1",
          "--snapshot=" + snapshot,
          "--lock-wait-timeout=3000",
          "--no-password",
          "--dbname=" + connection};
}

Result<void> read_in_snapshot(Source& source, Manifest& manifest,
                              const std::function<bool(const CountedTable& next)>& go_on) {
  Connection& connection = source.connection();
  manifest.sequences = TRY(read_sequences(connection));
  manifest.horizon.update(TRY(read_horizon(connection).with_context("what a count will need")));
  manifest.roles = TRY(read_roles(connection));
  manifest.extensions = TRY(read_extensions(connection));
  manifest.catalog = to_json(TRY(read_catalog(connection).with_context("reading the catalogue")));
  manifest.content = TRY(read_content(connection, go_on));
  return {};
}

Result<void> read_while_dumping(Source& source, Manifest& manifest, Dumping& dumping, const Progress& progress) {
  const auto read = read_in_snapshot(source, manifest, [&](const CountedTable& next) {
    if (progress) progress("dumping; counting and hashing " + next.name);
    return !dumping.failed();
  });
  // When pg_dump has failed its own words say more.
  return !read && read.error().code == Code::kCancelled ? Result<void>() : read;
}

/// The log's place in the archive is waited for last: it had all the time of the counting to get there.
Result<void> wait_for_point(const BackupJob& job, Connection& beside, Manifest& manifest, const Progress& progress) {
  TRY_VOID(wait_until_archived(*job.repository, beside, manifest.point, progress));
  if (const std::string why = get_string(manifest.point, "why_not"); !why.empty())
    manifest.notes.push_back("pgBackRest cannot bring this moment back yet: " + why);
  return {};
}

/// Everything but the dump.
Result<Manifest> note(const BackupJob& job, Source& source, const Progress& progress) {
  Manifest manifest;
  manifest.source = job.database;
  TRY_VOID(describe(source.connection(), manifest));
  std::optional<Connection> beside;
  if (job.repository) beside = TRY(open_maintenance(job.server, job.maintenance));
  TRY_VOID(source.begin(manifest, beside ? &*beside : nullptr));
  if (beside) mark_point(*beside, manifest.point);
  TRY_VOID(read_in_snapshot(source, manifest, [&](const CountedTable& next) {
    if (progress) progress("counting and hashing " + next.name);
    return true;
  }));
  manifest.sequences_after = TRY(read_sequences(source.connection()));
  TRY_VOID(source.connection().exec("COMMIT"));
  if (beside) TRY_VOID(wait_for_point(job, *beside, manifest, progress));
  return manifest;
}

Result<Manifest> dump(const BackupJob& job, Source& source, const Program& program, const std::string& partial,
                      const Json& followed, const Progress& progress) {
  Manifest manifest;
  manifest.source = job.database;
  manifest.dumped_by = program.version;
  TRY_VOID(describe(source.connection(), manifest));
  std::optional<Connection> beside;
  if (job.repository) beside = TRY(open_maintenance(job.server, job.maintenance));
  TRY_VOID(source.begin(manifest, beside ? &*beside : nullptr));
  if (beside) mark_point(*beside, manifest.point);
  const std::string connection = TRY(connection_argument(job.server, job.database));
  {
    Dumping dumping(dump_command(job, program, source.snapshot(), partial, connection), session_name(job.directory));
    TRY_VOID(read_while_dumping(source, manifest, dumping, progress));
    if (progress) progress("dumping");
    TRY_VOID(dumping.finish());
  }
  // Not before: pg_dump wants its directory empty.
  if (followed.contains("slot")) {
    if (progress) progress("noting what each row is like");
    const Json& tables = get(get(followed, "slot"), "tables");
    manifest.horizon["fingerprints"] =
        TRY(write_fingerprints(source.connection(), tables, partial).with_context("fingerprints of the rows"));
  }
  manifest.sequences_after = TRY(read_sequences(source.connection()));
  TRY_VOID(source.connection().exec("COMMIT"));
  if (!manifest.content.foreign_tables.empty())
    manifest.notes.push_back("rows of foreign tables are not in the backup: " +
                             join(manifest.content.foreign_tables, ", "));
  if (progress) progress("writing the dump to disk");
  TRY_VOID(settle_dump(partial));
  manifest.files = TRY(measure_dump(partial));
  if (!manifest.files.contains("toc.dat"))
    return Error{Code::kInternal, "pg_dump ended well and left no table of contents", ""};
  if (beside) TRY_VOID(wait_for_point(job, *beside, manifest, progress));
  return manifest;
}

}  // namespace

Result<Manifest> count_up(const BackupJob& job, const Progress& progress) {
  auto source = TRY(Source::open(job));
  return note(job, source, progress);
}

Result<Manifest> back_up(const BackupJob& job, const Progress& progress) {
  if (auto there = load_manifest(job.manifest);
      there && there->source == job.database &&
      (job.dump ? check_dump(job.directory, *there).has_value() : there->files.empty()))
    return there;
  if (!job.dump) {
    auto manifest = count_up(job, progress);
    if (!manifest) return with_who_is_in_the_way(std::move(manifest).error(), job);
    TRY_VOID(store_manifest(*manifest, job.manifest));
    return manifest;
  }
  TRY_VOID(clear_place(job));
  auto source = TRY(Source::open(job));
  const Program program = TRY(find_program("pg_dump", source.connection().server_version(), job.programs));
  TRY_VOID(clear_earlier_tries(source.connection(), job));
  if (auto room = look_for_room(source.connection(), job); !room)
    return with_who_is_in_the_way(std::move(room).error(), job);
  const std::string partial = job.directory + ".partial-" + random_hex(4);
  TRY_VOID(os::make_directories(partial, 0700));
  Following following(job);
  const Json followed = following.begin(progress);
  auto manifest = dump(job, source, program, partial, followed, progress);
  if (!manifest) {
    const auto removed = os::remove_tree(partial);
    Error error = with_who_is_in_the_way(std::move(manifest).error(), job);
    return removed ? std::move(error) : std::move(error).followed_by(removed.error());
  }
  TRY_VOID(name_dump(partial, job.directory));
  if (job.as) {
    manifest->source = job.as->source;
    manifest->taken_at = job.as->taken_at;
    manifest->database = job.as->database;
  }
  manifest->horizon.update(followed);
  TRY_VOID(store_manifest(*manifest, job.manifest));
  following.keep();
  return manifest;
}

}  // namespace backout::postgresql
