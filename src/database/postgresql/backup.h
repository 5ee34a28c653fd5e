// backup: a dump of a PostgreSQL database that can be proved before anybody depends on it.
//
// One read-only transaction exports its snapshot to pg_dump and, meanwhile, counts and hashes every table in it.
// Killable at any instant and repeatable: it looks first, works in a directory of its own beside the result, and the
// result appears by rename. A backup counts as there only when its manifest is, and the manifest is written last.
//
// Every table is locked against changes of its definition (ACCESS SHARE) before the snapshot is taken, so that
// definitions and rows are of one moment. Reads and writes go on; a migration waits, and is named when it came first.
#pragma once
#include <optional>

#include "base/clock.h"
#include "base/json.h"
#include "database/postgresql/manifest.h"
#include "database/postgresql/repository.h"
#include "database/postgresql/verb_args.h"

namespace backout::postgresql {

/// What the manifest says instead of the database's own: for one that was only made to be dumped.
struct DumpedAs {
  std::string source, taken_at;
  DatabaseFacts database;
};

struct BackupJob {
  Server server;
  std::string database;
  std::string directory;  // becomes the dump
  std::string manifest;
  int jobs = 2;
  std::string programs;  // a directory to take pg_dump from; empty: find_program
  std::optional<DumpedAs> as = {};
  std::optional<Repository> repository = {};  // notes the point in its log, too: point.h
  std::string maintenance = {};               // see open_maintenance: where our role may mark the log
  bool dump = true;                           // false: only counts and hashes, and no directory is made
  bool capture = false;  // a slot follows what is written from then on (slot.h); without one the backup is as good
  Millis wait_for_writers{20'000};  // before the slot can be made
};

/// kBusy: a migration is in the way. kDenied, kNoSpace, kUnavailable, kUnsupported (server or pg_dump too old),
/// kConflict (something that is no dump lies in the directory's place).
Result<Manifest> back_up(const BackupJob& job, const Progress& progress);

/// What a manifest says of the database now, without a dump and without writing anything.
Result<Manifest> count_up(const BackupJob& job, const Progress& progress);

/// The verbs: arguments and evidence in docs/formats/postgresql-backup.md.
Result<Json> run_backup(const Json& args, const Progress& progress);
Result<Json> look_at_backup(const Json& args);

/// What a checkpoint keeps of a backup.
Result<Json> checkpoint_part(const Manifest& manifest, const std::string& directory, const std::string& manifest_path);

}  // namespace backout::postgresql
