// Repository: a team's own pgBackRest repository, which is read and never written to, expired or deleted from. Only the
// commands that this file names are ever run; its keys and passwords stay in its configuration.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "os/process.h"

namespace backout::postgresql {

/// How it is reached: `database.postgresql.pgbackrest`.
struct Repository {
  std::string stanza, config;
  std::vector<std::string> command;  // empty: pgbackrest on PATH
  std::string user;                  // who runs it, and the side cluster; empty: whoever runs backout
  std::string directory;             // where side clusters are made; empty: beside the live one's
  bool dump = true;                  // checkpoints dump, too
  bool by_restoring = true;          // without a dump: a checkpoint is proved by restoring it
  Millis archive_wait{60'000};
};
/// By the argument `pgbackrest`; kInvalid without one.
Result<Repository> repository_of(const Json& args);

/// A backup in it.
struct BackupSet {
  std::string label, type, archive_id, system_id, version;
  std::string first_segment, last_segment;  // of the log, that it needs to be consistent
  uint64_t start_lsn = 0, stop_lsn = 0;
  int64_t started_at = 0, stopped_at = 0;  // seconds since 1970
  uint64_t size = 0;                       // bytes when it is restored
  int repository = 1;
  bool damaged = false;  // made with page checksum errors
};

/// The log that one repository has of one cluster.
struct ArchivedLog {
  int repository = 1;
  std::string id, first, last;
};

struct Stanza {
  std::vector<BackupSet> backups;  // oldest first
  std::vector<ArchivedLog> logs;
};

/// What `info` says. kNotFound: no such program, stanza or backup; kDenied, kUnavailable, kUnsupported (too old).
Result<Stanza> look_at_stanza(const Repository& repository);

/// The newest that ended before; null when there is none. Of another cluster than `system_id`, when that is given, none
/// is taken.
const BackupSet* newest_before_lsn(const Stanza& stanza, uint64_t lsn, const std::string& system_id);
const BackupSet* newest_before_time(const Stanza& stanza, int64_t time, const std::string& system_id);

/// Names of the segments that are in the archive of `set`'s cluster, ordered; `part`: only those of its first 16
/// digits.
Result<std::vector<std::string>> archived_segments(const Repository& repository, const BackupSet& set,
                                                   const std::string& part = "");

/// The segment after "000000010000000000000002".
std::string segment_after(const std::string& segment, uint64_t segment_size);
/// Segments from `first` to `last` that are not in `there`, at most `most`. Of one timeline only; else nothing is said.
std::vector<std::string> missing_segments(const std::vector<std::string>& there, const std::string& first,
                                          const std::string& last, uint64_t segment_size, size_t most);

/// Restores `set` into an empty place of its own. `options` say the target.
Result<os::ProcessResult> restore_set(const Repository& repository, const BackupSet& set, const std::string& data,
                                      const std::string& tablespaces, const std::vector<std::string>& options,
                                      Millis limit);
/// What a server runs to get a segment out of it.
std::string restore_command(const Repository& repository, const BackupSet& set, const std::string& data);

/// The words in front of a command that `user` shall run.
std::vector<std::string> as_user(const Repository& repository, std::vector<std::string> argv);
Error repository_error(const os::ProcessResult& result, const Repository& repository);

}  // namespace backout::postgresql
