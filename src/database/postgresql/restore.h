// restore, verify-backup, discard: databases made beside the live one, compared with what they must hold before they
// bear their name.
//
// A database is restored under an unfinished name, compared with the manifest in rows, hashes, sequences, extensions
// and catalogue, analysed, and renamed: the name stands for a whole one. Killed at any instant and run again, what an
// earlier try left is dropped. The live database is never connected to.
#pragma once
#include <vector>

#include "base/json.h"
#include "database/postgresql/create.h"
#include "database/postgresql/manifest.h"
#include "database/postgresql/verb_args.h"

namespace backout::postgresql {

struct RestoreJob {
  Server server;
  std::string backup;  // the dump's directory
  Manifest manifest;
  std::string manifest_sha256;  // of the manifest's bytes: says what a database was made from
  std::string beside;
  std::string maintenance;  // see open_maintenance
  int jobs = 2;
  std::string programs;
};

struct Restored {
  std::string database;
  bool was_there = false;
  int64_t tables = 0, rows = 0;
  std::vector<std::string> notes;  // what is not as in the source, in sentences
};

/// kCorrupt: the dump is damaged or does not hold what its manifest says; nothing is left of the try. kConflict: a
/// database of that name is not ours. kDenied, kUnsupported, kNotFound (a role), kNoSpace: said before anything is
/// made.
Result<Restored> restore_beside(const RestoreJob& job, const Progress& progress);

/// A copy of a database that backout keeps.
struct CopyJob {
  Server server;
  std::string kept, beside, maintenance;
};
Result<Restored> copy_beside(const CopyJob& job, const Progress& progress);

/// The differences between what two manifests say of a database: that of one restored, and the one it must match.
Result<std::vector<std::string>> faults_between(const Manifest& found, const Manifest& wanted);

/// The differences between the connection's database and the manifest, each a line that says where; empty: none. What
/// only reads otherwise is added to `notes`.
Result<std::vector<std::string>> faults_of(Connection& connection, const Manifest& manifest,
                                           std::vector<std::string>& notes, const Progress& progress);

/// The verbs: arguments and evidence in docs/formats/postgresql-backup.md.
Result<Json> run_restore(const Json& args, const Progress& progress);
Result<Json> run_verify_backup(const Json& args, const Progress& progress);
/// `reopen`: the live database, which is opened again where what made `database` was cut off.
Result<Json> run_discard(const Json& args, const Progress& progress);
Result<Json> run_discard_tests(const Json& args, const Progress& progress);
Result<Json> look_at_restored(const Json& args);
Result<Json> look_at_verified(const Json& args);
Result<Json> look_at_discarded(const Json& args);

}  // namespace backout::postgresql
