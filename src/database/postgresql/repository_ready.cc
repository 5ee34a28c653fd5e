#include "database/postgresql/repository_ready.h"
#include "database/postgresql/lsn.h"

#include <fmt/format.h>

#include "base/text.h"
#include "database/postgresql/dump_files.h"
#include "database/postgresql/programs.h"
#include "database/postgresql/repository.h"
#include "database/postgresql/verb_args.h"
#include "os/file.h"

namespace backout::postgresql {
namespace {

constexpr int64_t kOldBackup = int64_t{8} * 24 * 3600;  // a week, and a day in which the next is made
constexpr size_t kMostGaps = 3;

Json fault(const Error& error) { return {{"message", error.message}, {"next", error.next}}; }

/// As recover does it: where it is said, else beside the live one's files.
void look_at_place(const Json& args, Connection& maintenance, uint64_t size, Json& seen) {
  std::string directory = get_string(get(args, "pgbackrest"), "directory");
  if (directory.empty()) {
    const auto data = maintenance.text("SELECT current_setting('data_directory')");
    if (!data || !os::exists(*data)) {
      seen["place"] = fault({Code::kInvalid, "where a cluster may be restored beside is not known",
                             "say it: database.postgresql.pgbackrest.directory"});
      return;
    }
    directory = parent_of(*data);
  }
  if (!os::exists(directory))
    seen["place"] = fault({Code::kNotFound, "there is no directory " + one_line(directory) + " for a cluster beside",
                           "make it, or correct database.postgresql.pgbackrest.directory"});
  else if (const auto room = require_space(directory, size + size / 10, "a cluster restored beside"); !room)
    seen["place"] = fault({Code::kNoSpace, room.error().message, room.error().next});
}

void look_at_log(const Repository& repository, const BackupSet& set, const Stanza& stanza, const Json& args,
                 Connection& maintenance, Json& seen) {
  const std::string wanted = get_string(get(args, "point"), "segment");
  std::string last = wanted;
  for (const ArchivedLog& log : stanza.logs)
    if (last.empty() && log.repository == set.repository && log.id == set.archive_id) last = log.last;
  const auto there = archived_segments(repository, set);
  if (!there) {
    seen["log"] = fault(there.error());
    return;
  }
  const auto size = maintenance.integer("SELECT pg_size_bytes(current_setting('wal_segment_size'))");
  if (!there->empty() && wanted.empty()) last = there->back();
  seen["last"] = last;
  const auto missing =
      missing_segments(*there, set.first_segment, last, static_cast<uint64_t>(size.value_or(16 << 20)), kMostGaps);
  if (!missing.empty()) seen["missing"] = missing;
}

void look_at_server(Connection& maintenance, Json& seen) {
  const auto archiver = maintenance.query(
      "SELECT current_setting('archive_mode'), coalesce(last_failed_wal, ''), coalesce(last_failed_time > "
      "coalesce(last_archived_time, '-infinity'), false), has_function_privilege('pg_switch_wal()', 'execute') AND "
      "has_function_privilege('pg_create_restore_point(text)', 'execute'), current_user, current_database() FROM "
      "pg_stat_archiver");
  if (!archiver || archiver->count() != 1) return;
  if (archiver->text(0, 0) == "off")
    seen["archiver"] = "archive_mode is off: nothing since the last backup can be brought back";
  else if (archiver->flag(0, 2))
    seen["archiver"] = "archiving fails: " + one_line(archiver->text(0, 1)) + "; the server's log says why";
  if (!archiver->flag(0, 3)) {
    seen["denied"] = one_line(archiver->text(0, 4));
    seen["denied_in"] = one_line(archiver->text(0, 5));
  }
}

}  // namespace

Json look_at_repository(const Json& args, Connection& maintenance) {
  if (!get(args, "pgbackrest").is_object()) return nullptr;
  const auto repository = repository_of(args);
  if (!repository) return fault(repository.error());
  const auto stanza = look_at_stanza(*repository);
  if (!stanza) return fault(stanza.error());
  const std::string system = maintenance.text("SELECT system_identifier FROM pg_control_system()").value_or("");
  const Json& point = get(args, "point");
  const auto lsn = lsn_of(get_string(point, "lsn"));
  const BackupSet* newest = newest_before_time(*stanza, INT64_MAX, system);
  const BackupSet* set = lsn ? newest_before_lsn(*stanza, *lsn, system) : newest;
  if (newest == nullptr)
    return fault({Code::kConflict,
                  "the stanza " + one_line(repository->stanza) +
                      " is of another cluster: it has no backup of the one with system identifier " + system,
                  "correct database.postgresql.pgbackrest.stanza"});
  if (set == nullptr)
    return fault(
        {Code::kNotFound,
         "the backups that the checkpoint needs are gone: the oldest in the stanza is " + stanza->backups.front().label,
         "take a new checkpoint, and keep backups for longer: repo1-retention-full"});
  Json seen{{"stanza", repository->stanza}, {"label", newest->label},
            {"type", newest->type},         {"age_s", to_millis(system_clock().wall()) / 1000 - newest->stopped_at},
            {"size", newest->size},         {"from", set->label}};
  look_at_log(*repository, *set, *stanza, args, maintenance, seen);
  look_at_place(args, maintenance, set->size, seen);
  look_at_server(maintenance, seen);
  if (const auto program = find_program("pg_ctl", maintenance.server_version(), ""); !program)
    seen["server"] =
        fault({program.error().code, "a cluster cannot be started beside: " + program.error().message,
               fmt::format("install postgresql-{} on this machine", maintenance.server_version() / 10000)});
  return seen;
}

void judge_repository(const Json& looked, bool needed, std::vector<Finding>& findings) {
  if (!looked.is_object()) return;
  const Severity bad = needed ? Severity::kRed : Severity::kWarning;
  const auto add = [&](Severity severity, const std::string& what, const std::string& next) {
    findings.push_back({"pgbackrest", severity, "", "", what, next, Json::object()});
  };
  if (looked.contains("message")) return add(bad, get_string(looked, "message"), get_string(looked, "next"));
  const int64_t age = get_int(looked, "age_s");
  const std::string newest = fmt::format(
      "pgBackRest: the newest backup of {} is {} ({}, {}), {} old", one_line(get_string(looked, "stanza")),
      one_line(get_string(looked, "label")), one_line(get_string(looked, "type")),
      bytes_for_people(static_cast<uint64_t>(get_int(looked, "size"))), backout::for_people(Millis(age * 1000)));
  bool whole = true;
  for (const char* key : {"log", "place", "server"})
    if (const Json& why = get(looked, key); why.is_object()) {
      whole = false;
      add(bad, get_string(why, "message"), get_string(why, "next"));
    }
  if (get(looked, "missing").is_array()) {
    whole = false;
    std::vector<std::string> names;
    for (const Json& name : get(looked, "missing")) names.push_back(name.get<std::string>());
    add(bad, "the archived log has a gap since the backup " + get_string(looked, "from") + ": " + join(names, ", "),
        "make a new backup, and take a new checkpoint");
  }
  if (const std::string why = get_string(looked, "archiver"); !why.empty()) {
    whole = false;
    add(bad, why, "see archive_command, and: pgbackrest check");
  }
  if (const std::string role = get_string(looked, "denied"); !role.empty())
    add(Severity::kWarning,
        "the role " + role + " may not end a segment of the log: a checkpoint waits until it is full",
        "in " + get_string(looked, "denied_in") +
            ": GRANT EXECUTE ON FUNCTION pg_create_restore_point(text), pg_switch_wal() TO " + sql_name(role));
  if (age > kOldBackup)
    add(Severity::kWarning, newest + ": all of the log since then would be played",
        "make a new backup: pgbackrest backup");
  else if (whole)
    add(Severity::kOk, newest + "; the log since then is in the archive up to " + get_string(looked, "last"), "");
}

}  // namespace backout::postgresql
