#include "database/postgresql/side_cluster.h"
#include "database/postgresql/lsn.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <thread>

#include "base/fault.h"
#include "base/text.h"
#include "database/postgresql/dump_files.h"
#include "database/postgresql/programs.h"
#include "os/file.h"
#include "os/proc.h"
#include "os/process.h"

namespace backout::postgresql {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kName = "backout-side-";
constexpr size_t kLongestRoot = 90;  // a socket's path has 107 bytes
constexpr Millis kShort{60'000};
constexpr Millis kTurn{50};
constexpr Millis kStarts{1'000}, kAnswers{5'000};
constexpr Millis kProcessesEnd{20'000};
constexpr uint64_t kBytesPerMs = 1'000;  // a slow disk
constexpr Millis kAlways{1'800'000};
constexpr uint64_t kLogSegments = 8;  // that lie in it at a time
constexpr uint64_t kNearby = 64;      // a page's header may stand between two records
constexpr const char* kMadeByRestore[] = {"PG_VERSION", "global/pg_control", "backup_label", "recovery.signal"};

Millis time_for(uint64_t bytes) { return kAlways + Millis(static_cast<int64_t>(bytes / kBytesPerMs)); }

Result<os::ProcessResult> must(const std::vector<std::string>& argv, Millis limit = kShort) {
  auto ran = TRY(os::run_process({.argv = argv, .cwd = "/", .env = {{"LC_ALL", "C.UTF-8"}}, .timeout = limit}));
  if (ran.ok()) return ran;
  return program_error(ran, argv.front());
}

std::string end_of_path(const std::string& path) { return path.substr(path.rfind('/') + 1); }

/// Whether an argument, or the place where it works, says that a process belongs to the cluster in `root`.
bool works_in(const fs::path& process, const std::string& root) {
  std::error_code failed;
  const std::string at = fs::read_symlink(process / "cwd", failed).string();
  if (!failed && (at == root + "/data" || at.starts_with(root + "/data/") || at.starts_with(root + "/data (")))
    return true;
  const auto words = os::read_file((process / "cmdline").string());
  if (!words) return false;
  for (const std::string& word : split(*words, '\0'))
    if (word == "--pg1-path=" + root + "/data" || word == root + "/data") return true;
  return false;
}

std::vector<std::string> processes_in(const std::string& root) {
  std::vector<std::string> found;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator("/proc", failed)) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos || name == std::to_string(os::own_pid())) continue;
    if (works_in(entry.path(), root)) found.push_back(name);
  }
  return found;
}

/// A killed try's pgbackrest and server may go on working: each is looked for, not only the one that a file names.
Result<void> end_processes(const std::string& root) {
  const BootTime deadline = system_clock().boot() + kProcessesEnd;
  for (;;) {
    const std::vector<std::string> left = processes_in(root);
    if (left.empty()) return {};
    if (system_clock().boot() > deadline)
      return Error{Code::kBusy, "processes at work in " + root + " do not end: " + join(left, ", "),
                   "end them, then again"};
    std::vector<std::string> argv{"sh", "-c", "kill -KILL \"$@\" 2>/dev/null; :", "sh"};
    argv.insert(argv.end(), left.begin(), left.end());
    TRY(os::run_process({.argv = argv, .cwd = "/", .timeout = kShort}));
    std::this_thread::sleep_for(kTurn);
  }
}

/// One setting, quoted as postgresql.conf wants it.
std::string setting(std::string_view name, std::string_view value) {
  return fmt::format("{} = '{}'\n", name, replaced(replaced(std::string(value), "\\", "\\\\"), "'", "''"));
}

/// What holds whatever the live cluster's files say: they are not read.
constexpr std::pair<const char*, const char*> kSettings[] = {{"listen_addresses", ""},
                                                             {"port", "5432"},
                                                             {"unix_socket_permissions", "0700"},
                                                             {"archive_mode", "off"},
                                                             {"archive_command", ""},
                                                             {"wal_level", "replica"},
                                                             {"hot_standby", "off"},
                                                             {"max_connections", "40"},
                                                             {"max_wal_senders", "0"},
                                                             {"max_logical_replication_workers", "0"},
                                                             {"max_locks_per_transaction", "1024"},
                                                             {"primary_conninfo", ""},
                                                             {"synchronous_standby_names", ""},
                                                             {"shared_preload_libraries", ""},
                                                             {"session_preload_libraries", ""},
                                                             {"local_preload_libraries", ""},
                                                             {"shared_buffers", "64MB"},
                                                             {"huge_pages", "off"},
                                                             {"fsync", "off"},  // after a crash it is made anew
                                                             {"full_page_writes", "off"},
                                                             {"max_wal_size", "128MB"},
                                                             {"autovacuum", "off"},
                                                             {"ssl", "off"},
                                                             {"logging_collector", "off"},
                                                             {"log_destination", "stderr"},
                                                             {"lc_messages", "C"},
                                                             {"restart_after_crash", "off"},
                                                             {"recovery_target_action", "promote"},
                                                             {"cluster_name", "backout side"}};

/// "max_prepared_xacts setting:           4" of pg_controldata.
std::string prepared_of(const std::string& controldata) {
  for (const std::string& line : split(controldata, '\n'))
    if (line.starts_with("max_prepared_xacts setting:")) return std::string(trimmed(line.substr(line.find(':') + 1)));
  return "0";
}

/// A link that leads out of the directory could lead into the live cluster.
Result<void> refuse_links_out(const std::string& root) {
  std::error_code failed;
  for (auto entry = fs::recursive_directory_iterator(root + "/data", failed); !failed && entry != fs::end(entry);
       entry.increment(failed)) {
    if (!entry->is_symlink()) continue;
    const fs::path to = fs::weakly_canonical(entry->path().parent_path() / fs::read_symlink(entry->path()));
    if (!to.string().starts_with(root + "/"))
      return Error{Code::kCorrupt,
                   "pgbackrest restored a link that leads out of " + root + ": " + one_line(entry->path().string()),
                   "take link-map out of the configuration that backout uses"};
  }
  if (failed) return Error{Code::kInternal, "reading " + root + ": " + failed.message(), ""};
  return {};
}

Result<void> look_for_room(const SideJob& job) {
  const uint64_t bytes = job.set.size + job.set.size / 10 + kLogSegments * job.segment_size;
  return require_space(parent_of(job.root), bytes, "restoring the cluster beside (pgBackRest)");
}

}  // namespace

std::string RecoveryTarget::words() const { return time.empty() ? "position " + lsn : time; }

Result<std::string> root_of_side(const std::string& directory, const std::string& database) {
  std::string name = database;
  for (char& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_' && c != '-') c = '-';
  const std::string root =
      fs::path(directory + "/" + std::string(kName) + name).lexically_normal();  // as pgbackrest wants it
  if (root.size() <= kLongestRoot && directory.starts_with('/')) return root;
  return Error{Code::kInvalid, "a server's socket cannot lie in " + root + ": its name is too long",
               "name a shorter place: database.postgresql.pgbackrest.directory"};
}

bool is_side_left(const std::string& root) { return os::exists(root) || !processes_in(root).empty(); }

Result<bool> remove_side(const std::string& root) {
  if (!end_of_path(root).starts_with(kName))
    return Error{Code::kInvalid, "the directory " + root + " was not made by backout", ""};
  if (!is_side_left(root)) return false;
  fault::pass("side", "before");
  TRY_VOID(end_processes(root));
  TRY_VOID(os::remove_tree(root));
  fault::pass("side", "after");
  return true;
}

Result<std::unique_ptr<SideCluster>> SideCluster::restore(const SideJob& job, const Progress& progress) {
  TRY(remove_side(job.root));
  if (job.set.version != std::to_string(std::atoi(job.set.version.c_str())))
    return Error{Code::kUnsupported, "the backup " + job.set.label + " is of PostgreSQL " + job.set.version, ""};
  TRY_VOID(look_for_room(job));
  auto side = std::unique_ptr<SideCluster>(new SideCluster(job));
  auto made = side->make(progress);
  if (made) return side;
  auto removed = side->remove();
  return removed ? std::move(made).error() : std::move(made).error().followed_by(removed.error());
}

SideCluster::~SideCluster() {
  if (!gone_) (void)remove();
}

Result<void> SideCluster::remove() {
  TRY(remove_side(job_.root));
  gone_ = true;
  return {};
}

Server SideCluster::server() const {
  return {fmt::format("host='{}' port=5432 user='{}' sslmode=disable", replaced(job_.root, "'", "\\'"),
                      replaced(job_.superuser, "'", "\\'"))};
}

Result<void> SideCluster::make(const Progress& progress) {
  const std::string &root = job_.root, &user = job_.repository.user;
  TRY_VOID(os::make_directories(root, 0700));
  if (os::is_root() && !user.empty()) TRY(must({"chown", user + ":", root}));
  if (progress) progress("restoring the backup " + job_.set.label + " into " + root);
  std::vector<std::string> options{"--target-action=promote"};
  if (job_.target.time.empty())
    options.insert(options.end(), {"--type=lsn", "--target=" + job_.target.lsn, "--target-exclusive"});
  else
    options.insert(options.end(), {"--type=time", "--target=" + job_.target.time});
  fault::pass("side", "before");
  const auto ran =
      TRY(restore_set(job_.repository, job_.set, data(), root + "/tablespaces", options, time_for(job_.set.size)));
  if (!ran.ok()) {
    Error error = repository_error(ran, job_.repository);
    if (const auto left = os::free_bytes(root); left && *left < job_.segment_size)  // of that pgbackrest says nothing
      error = {Code::kNoSpace, "the disk of " + root + " is full: " + error.message,
               "make room on that disk and try again"};
    return std::move(error).with_context("the backup " + job_.set.label + " does not restore");
  }
  fault::pass("side", "after");
  TRY_VOID(check_files());
  fault::pass("side", "before");
  TRY_VOID(configure());
  fault::pass("side", "after");
  fault::pass("side", "before");
  TRY_VOID(start());
  fault::pass("side", "after");
  fault::pass("side", "before");
  TRY_VOID(wait_for_end(progress));
  fault::pass("side", "after");
  return {};
}

/// Exit status 0 is no evidence. Without backup_label a server would start from the wrong place, and say nothing.
Result<void> SideCluster::check_files() const {
  const auto nothing = [&](const std::string& what) {
    return Error{Code::kCorrupt, "pgbackrest said that it restored " + job_.set.label + ", and " + what,
                 "look at the repository: pgbackrest --stanza=" + job_.repository.stanza + " verify"};
  };
  for (const char* file : kMadeByRestore)
    if (!os::exists(data() + "/" + file)) return nothing("there is no " + std::string(file));
  const std::string version = std::string(trimmed(TRY(os::read_file(data() + "/PG_VERSION"))));
  if (version != job_.set.version) return nothing("what lies there is of PostgreSQL " + one_line(version));
  return refuse_links_out(job_.root);
}

Result<void> SideCluster::configure() const {
  const int version = std::atoi(job_.set.version.c_str()) * 10000;
  const Program controldata = TRY(find_program("pg_controldata", version, job_.programs));
  const auto control = TRY(must(as_user(job_.repository, {controldata.path, data()})));
  std::string text;
  for (const auto& [name, value] : kSettings) text += setting(name, value);
  text += setting("unix_socket_directories", "\"" + job_.root + "\"");
  text += setting("hba_file", job_.root + "/hba.conf");
  text += setting("ident_file", job_.root + "/ident.conf");
  text += setting("max_prepared_transactions", prepared_of(control.out));
  text += setting("restore_command", restore_command(job_.repository, job_.set, data()));
  if (job_.target.time.empty()) {
    text += setting("recovery_target_lsn", job_.target.lsn) + setting("recovery_target_inclusive", "off");
    if (job_.target.timeline > 0) text += setting("recovery_target_timeline", std::to_string(job_.target.timeline));
  } else {
    text += setting("recovery_target_time", job_.target.time) + setting("recovery_target_inclusive", "on");
  }
  TRY_VOID(os::write_file_atomic(job_.root + "/side.conf", text));
  TRY_VOID(os::write_file_atomic(job_.root + "/hba.conf", "local all all trust\n"));
  TRY_VOID(os::write_file_atomic(job_.root + "/ident.conf", ""));
  return os::write_file_atomic(data() + "/postgresql.auto.conf", "");
}

Result<void> SideCluster::start() const {
  const int version = std::atoi(job_.set.version.c_str()) * 10000;
  const Program program = TRY(find_program("pg_ctl", version, job_.programs));
  if (program.major * 10000 != version)
    return Error{
        Code::kUnsupported,
        fmt::format("the backup is of PostgreSQL {}, and the server here is {}", job_.set.version, program.major),
        fmt::format("install postgresql-{} on this machine", job_.set.version)};
  TRY(must(as_user(job_.repository, {program.path, "-D", data(), "-l", job_.root + "/log", "-W", "-s", "-o",
                                     "-c config_file=" + shell_quoted(job_.root + "/side.conf"), "start"})));
  return {};
}

Error SideCluster::why_ended() const {
  std::vector<std::string> said;
  const auto log = os::read_file(job_.root + "/log");
  if (log)
    for (const std::string& line : split(*log, '\n'))
      if (line.find("the database system is") == std::string::npos &&
          (line.find("FATAL:") != std::string::npos || line.find("PANIC:") != std::string::npos ||
           line.find("ERROR: [") != std::string::npos))
        said.push_back(one_line(trimmed(line)));
  if (said.size() > 3) said.erase(said.begin(), said.end() - 3);
  const std::string words = said.empty() ? "it said nothing" : join(said, "; ");
  const auto holds = [&](std::string_view part) { return words.find(part) != std::string::npos; };
  if (holds("before configured recovery target was reached"))
    return {Code::kNotFound,
            fmt::format("the archived log ends before {}, or a part of it is missing or damaged: {}",
                        job_.target.words(), words),
            "look what is archived: pgbackrest --stanza=" + job_.repository.stanza +
                " info; plan with an older checkpoint"};
  if (holds("No space left on device")) return {Code::kNoSpace, words, "make room on that disk and try again"};
  return {Code::kCorrupt, "the restored server does not come up: " + words,
          "use an older checkpoint: backout releases"};
}

Result<void> SideCluster::wait_for_end(const Progress& progress) {
  if (progress) progress("playing the log until " + job_.target.words());
  const BootTime deadline = system_clock().boot() + time_for(job_.set.size);
  Millis turn = kTurn, gone{0}, silent{0};
  for (;;) {
    auto connection = Connection::open(server(), "template1");
    auto recovering =
        connection ? connection->text("SELECT pg_is_in_recovery()") : Result<std::string>(connection.error());
    if (recovering && *recovering == "f") return check_end(*connection);
    gone = processes_in(job_.root).empty() ? gone + turn : Millis(0);  // just started it is not seen at once
    if (gone > kStarts) return why_ended();
    silent = !recovering && is_ready() ? silent + turn : Millis(0);
    if (silent > kAnswers)
      return Error{Code::kCorrupt, "the restored server does not come up: " + recovering.error().message,
                   "use an older checkpoint: backout releases"};
    if (system_clock().boot() > deadline)
      return Error{Code::kTimedOut, "the restored server is not at " + job_.target.words() + " yet", "try again"};
    std::this_thread::sleep_for(turn);
    turn = std::min<Millis>(turn * 2, Millis(400));
  }
}

/// It says that it takes connections.
bool SideCluster::is_ready() const {
  const auto log = os::read_file(job_.root + "/log");
  return log && log->find("ready to accept connections") != std::string::npos;
}

/// Is it the cluster, and did it stop where it should? Its history says where it left the log of the live one.
Result<void> SideCluster::check_end(Connection& connection) {
  const std::string system = TRY(connection.text("SELECT system_identifier FROM pg_control_system()"));
  if (system != job_.set.system_id)
    return Error{Code::kCorrupt, "what was restored is another cluster: " + system + ", not " + job_.set.system_id, ""};
  last_commit_ = connection.text("SELECT coalesce(pg_last_xact_replay_timestamp()::text, '')").value_or("");
  const Rows history = TRY(connection.query(
      "SELECT split_part(line, E'\\t', 2) FROM pg_ls_dir('pg_wal') AS name, regexp_split_to_table(pg_read_file("
      "'pg_wal/' || name), E'\\n') WITH ORDINALITY AS lines (line, at) WHERE name LIKE '%.history' AND line ~ '^[0-9]' "
      "ORDER BY name DESC, at DESC LIMIT 1"));
  if (history.count() == 1) reached_ = history.text(0, 0);
  const auto there = lsn_of(reached_), wanted = lsn_of(job_.target.lsn);
  if (!there) return Error{Code::kInternal, "the restored server does not say where it left the log", ""};
  if (!wanted) return {};
  if (*there + kNearby < *wanted)  // the last record may reach beyond
    return Error{Code::kCorrupt, "the restored server stopped at " + reached_ + ", not at " + job_.target.lsn, ""};
  return {};
}

}  // namespace backout::postgresql
