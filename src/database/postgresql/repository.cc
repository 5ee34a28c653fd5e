#include "database/postgresql/repository.h"
#include "database/postgresql/lsn.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "base/text.h"
#include "os/proc.h"

namespace backout::postgresql {
namespace {

constexpr Millis kLookTime{60'000};
constexpr size_t kMostListed = 64U << 20;
constexpr size_t kSegmentDigits = 24;
constexpr size_t kComplaintLines = 2;
constexpr size_t kComplaint = 400;

std::vector<std::string> call(const Repository& repository, const std::string& verb,
                              const std::vector<std::string>& options) {
  std::vector<std::string> argv = repository.command;
  if (argv.empty()) argv = {"pgbackrest"};
  if (!repository.config.empty()) argv.push_back("--config=" + repository.config);
  for (const char* quiet : {"--log-level-file=off", "--log-level-console=off", "--log-level-stderr=warn"})
    argv.emplace_back(quiet);
  argv.push_back("--stanza=" + repository.stanza);
  argv.push_back(verb);
  argv.insert(argv.end(), options.begin(), options.end());
  return argv;
}

Result<os::ProcessResult> run(const Repository& repository, const std::string& verb,
                              const std::vector<std::string>& options, Millis limit) {
  auto ran = os::run_process({.argv = as_user(repository, call(repository, verb, options)),
                              .cwd = "/",
                              .env = {{"LC_ALL", "C.UTF-8"}},
                              .timeout = limit,
                              .output_limit = kMostListed});
  if (!ran && ran.error().code == Code::kNotFound)
    return Error{Code::kNotFound, "there is no pgbackrest here: " + ran.error().message,
                 "install pgbackrest on this machine, or say how it is called: database.postgresql.pgbackrest.command"};
  return ran;
}

bool is_segment(std::string_view name) {
  return name.size() == kSegmentDigits && name.find_first_not_of("0123456789ABCDEF") == std::string_view::npos;
}

template <class Number>
std::optional<Number> number_in(std::string_view digits, int base) {
  Number number = 0;
  const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), number, base);
  if (digits.empty() || end.ec != std::errc() || end.ptr != digits.data() + digits.size()) return std::nullopt;
  return number;
}

struct Cluster {
  std::string system_id, version, archive_id;
};

std::optional<BackupSet> set_of(const Json& backup, const std::map<std::pair<int64_t, int64_t>, Cluster>& clusters) {
  const Json& database = get(backup, "database");
  const auto cluster = clusters.find({get_int(database, "repo-key", 1), get_int(database, "id")});
  const auto start = lsn_of(get_string(get(backup, "lsn"), "start")),
             stop = lsn_of(get_string(get(backup, "lsn"), "stop"));
  if (cluster == clusters.end() || !start || !stop || get_string(backup, "label").empty()) return std::nullopt;
  const Json &time = get(backup, "timestamp"), &log = get(backup, "archive");
  return BackupSet{.label = get_string(backup, "label"),
                   .type = get_string(backup, "type"),
                   .archive_id = cluster->second.archive_id,
                   .system_id = cluster->second.system_id,
                   .version = cluster->second.version,
                   .first_segment = get_string(log, "start"),
                   .last_segment = get_string(log, "stop"),
                   .start_lsn = *start,
                   .stop_lsn = *stop,
                   .started_at = get_int(time, "start"),
                   .stopped_at = get_int(time, "stop"),
                   .size = static_cast<uint64_t>(std::max<int64_t>(get_int(get(backup, "info"), "size"), 0)),
                   .repository = static_cast<int>(cluster->first.first),
                   .damaged = get_bool(backup, "error")};
}

/// A number that JSON may hold as one that is too large for an int64.
std::string digits_of(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

Result<Stanza> stanza_of(const Json& said, const Repository& repository) {
  std::map<std::pair<int64_t, int64_t>, Cluster> clusters;
  Stanza stanza;
  for (const Json& one : get(said, "db"))
    clusters[{get_int(one, "repo-key", 1), get_int(one, "id")}] = {digits_of(get(one, "system-id")),
                                                                   get_string(one, "version"), ""};
  for (const Json& log : get(said, "archive")) {
    const Json& database = get(log, "database");
    const auto cluster = clusters.find({get_int(database, "repo-key", 1), get_int(database, "id")});
    if (cluster == clusters.end()) continue;
    cluster->second.archive_id = get_string(log, "id");
    stanza.logs.push_back({static_cast<int>(cluster->first.first), get_string(log, "id"), get_string(log, "min"),
                           get_string(log, "max")});
  }
  for (const Json& backup : get(said, "backup"))
    if (auto set = set_of(backup, clusters)) stanza.backups.push_back(std::move(*set));
  std::stable_sort(stanza.backups.begin(), stanza.backups.end(),
                   [](const BackupSet& a, const BackupSet& b) { return a.stopped_at < b.stopped_at; });
  if (!stanza.backups.empty()) return stanza;
  const std::string why = one_line(get_string(get(said, "status"), "message"));
  return Error{Code::kNotFound,
               fmt::format("pgBackRest has no backup of the stanza {}{}", repository.stanza,
                           why.empty() || why == "ok" ? "" : ": " + why),
               fmt::format("correct database.postgresql.pgbackrest.stanza, or make one: pgbackrest --stanza={} backup",
                           repository.stanza)};
}

template <class Before>
const BackupSet* newest(const Stanza& stanza, const std::string& system_id, const Before& before) {
  const BackupSet* found = nullptr;
  for (const BackupSet& set : stanza.backups)
    if (before(set) && !set.damaged && (system_id.empty() || set.system_id == system_id)) found = &set;
  return found;
}

}  // namespace

Result<Repository> repository_of(const Json& args) {
  const Json& said = get(args, "pgbackrest");
  Repository repository{.stanza = get_string(said, "stanza"),
                        .config = get_string(said, "config"),
                        .user = get_string(said, "user"),
                        .directory = get_string(said, "directory"),
                        .dump = get_bool(said, "dump", true),
                        .by_restoring = get_string(said, "verify", "restore") != "archive"};
  if (repository.stanza.empty()) return Error{Code::kInvalid, "the argument 'pgbackrest' names no stanza", ""};
  for (const Json& word : get(said, "command"))
    if (word.is_string()) repository.command.push_back(word.get<std::string>());
  repository.archive_wait = Millis(get_int(said, "archive_wait_ms", repository.archive_wait.count()));
  return repository;
}

std::vector<std::string> as_user(const Repository& repository, std::vector<std::string> argv) {
  if (!repository.user.empty() && os::is_root()) argv.insert(argv.begin(), {"runuser", "-u", repository.user, "--"});
  return argv;
}

Error repository_error(const os::ProcessResult& result, const Repository& repository) {
  std::vector<std::string> said;
  for (const std::string& line : split(result.err, '\n'))
    if (const std::string words = one_line(trimmed(line));
        !words.empty() && !words.starts_with("WARN:") && !words.starts_with("HINT:") && said.size() < kComplaintLines)
      said.push_back(words);
  Error error{
      Code::kInternal,
      "pgbackrest: " + shortened(said.empty() || result.timed_out ? result.why_not_ok() : join(said, "; "), kComplaint),
      ""};
  const auto holds = [&](std::string_view words) { return result.err.find(words) != std::string::npos; };
  if (result.timed_out) {
    error.code = Code::kTimedOut;
  } else if (holds("No space left on device") || holds("Disk quota exceeded")) {
    error.code = Code::kNoSpace;
    error.next = "make room on that disk and try again";
  } else if (holds("checksum") || holds("lz4 error") || holds("[029]") || holds("inflate") || holds("unexpected EOF")) {
    error.code = Code::kCorrupt;
    error.next = "look at the repository: pgbackrest --stanza=" + repository.stanza + " verify";
  } else if (holds("Permission denied") || holds("[041]")) {
    error.code = Code::kDenied;
    error.next = "say who may read the repository: database.postgresql.pgbackrest.user";
  } else if (holds("user") && holds("does not exist")) {
    error.code = Code::kInvalid;
    error.next = "correct database.postgresql.pgbackrest.user";
  } else if (holds("[055]") || holds("[031]") || holds("[037]")) {
    error.code = Code::kInvalid;
    error.next = "correct database.postgresql.pgbackrest: config, stanza";
  } else if (holds("failed to execute") || result.exit_status == 127) {
    error.code = Code::kNotFound;
    error.next = "install pgbackrest on this machine, or say how it is called: database.postgresql.pgbackrest.command";
  } else if (holds("[050]")) {
    error.code = Code::kBusy;
    error.next = "let the other pgbackrest end, then again";
  } else if (holds("unable to connect") || holds("[049]") || holds("[103]")) {
    error.code = Code::kUnavailable;
  }
  return error;
}

Result<Stanza> look_at_stanza(const Repository& repository) {
  const auto ran = TRY(run(repository, "info", {"--output=json"}, kLookTime));
  if (!ran.ok()) return repository_error(ran, repository);
  const auto said = parse_json(trimmed(ran.out));
  if (!said || !said->is_array())
    return Error{Code::kUnsupported, "what pgbackrest info says is not understood", "use pgBackRest 2.40 or newer"};
  for (const Json& one : *said)
    if (get_string(one, "name") == repository.stanza) return stanza_of(one, repository);
  return stanza_of({{"status", {{"message", "no such stanza"}}}}, repository);
}

const BackupSet* newest_before_lsn(const Stanza& stanza, uint64_t lsn, const std::string& system_id) {
  return newest(stanza, system_id, [&](const BackupSet& set) { return set.stop_lsn <= lsn; });
}

const BackupSet* newest_before_time(const Stanza& stanza, int64_t time, const std::string& system_id) {
  return newest(stanza, system_id, [&](const BackupSet& set) { return set.stopped_at <= time; });
}

Result<std::vector<std::string>> archived_segments(const Repository& repository, const BackupSet& set,
                                                   const std::string& part) {
  std::vector<std::string> options{
      "archive/" + repository.stanza + "/" + set.archive_id + (part.empty() ? "" : "/" + part),
      fmt::format("--repo={}", set.repository)};
  if (part.empty()) options.emplace_back("--recurse");
  const auto ran = TRY(run(repository, "repo-ls", options, kLookTime));
  if (!ran.ok() || ran.truncated) return repository_error(ran, repository);
  std::set<std::string> names;
  for (const std::string& line : split(ran.out, '\n')) {
    const std::string_view path = trimmed(line), name = path.substr(path.rfind('/') + 1);
    if (name.size() > kSegmentDigits && name[kSegmentDigits] == '-' && is_segment(name.substr(0, kSegmentDigits)))
      names.emplace(name.substr(0, kSegmentDigits));
  }
  return std::vector<std::string>(names.begin(), names.end());
}

std::string segment_after(const std::string& segment, uint64_t segment_size) {
  const auto log = number_in<uint64_t>(std::string_view(segment).substr(8, 8), 16);
  const auto part = number_in<uint64_t>(std::string_view(segment).substr(16), 16);
  const uint64_t in_log = (uint64_t{1} << 32U) / std::max<uint64_t>(segment_size, 1U << 20);
  if (!log || !part) return "";
  const uint64_t next = *log * in_log + *part + 1;
  return fmt::format("{}{:08X}{:08X}", segment.substr(0, 8), next / in_log, next % in_log);
}

std::vector<std::string> missing_segments(const std::vector<std::string>& there, const std::string& first,
                                          const std::string& last, uint64_t segment_size, size_t most) {
  std::vector<std::string> missing;
  if (!is_segment(first) || !is_segment(last) || first.substr(0, 8) != last.substr(0, 8)) return missing;
  const std::set<std::string> names(there.begin(), there.end());
  for (std::string at = first; !at.empty() && at <= last && missing.size() < most; at = segment_after(at, segment_size))
    if (!names.contains(at)) missing.push_back(at);
  return missing;
}

Result<os::ProcessResult> restore_set(const Repository& repository, const BackupSet& set, const std::string& data,
                                      const std::string& tablespaces, const std::vector<std::string>& options,
                                      Millis limit) {
  // Whatever the team's configuration says for a restore in place: nothing of it may lead out of this place.
  std::vector<std::string> all{"--pg1-path=" + data,     "--tablespace-map-all=" + tablespaces,
                               "--set=" + set.label,     fmt::format("--repo={}", set.repository),
                               "--archive-mode=off",     "--no-delta",
                               "--no-link-all",          "--reset-link-map",
                               "--reset-tablespace-map", "--reset-recovery-option",
                               "--reset-db-include",     "--reset-db-exclude"};
  all.insert(all.end(), options.begin(), options.end());
  return run(repository, "restore", all, limit);
}

std::string restore_command(const Repository& repository, const BackupSet& set, const std::string& data) {
  std::string line;
  for (const std::string& word :
       call(repository, "archive-get",
            {"--pg1-path=" + data, fmt::format("--repo={}", set.repository), "--no-archive-async"}))
    line += (line.empty() ? "" : " ") + replaced(shell_quoted(word), "%", "%%");
  return line + " %f \"%p\"";
}

}  // namespace backout::postgresql
