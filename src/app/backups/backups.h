// Backups: those of a site's database beside the ones of checkpoints - a team's own, and those made from a timer. What
// lies in database.backups.dir, what tests said of it, and which one may be relied on. docs/backups.md.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "app/site/workspace.h"
#include "database/archive/find.h"

namespace backout::app {

struct Backup {
  archive::Found found;
  std::string result;               // "good", "bad", "untested" (it could not be tested), "" (not tested yet)
  std::string how;                  // of a good one: "restored" or "read"
  std::string why;                  // of any other; of a good one what was held against: "matched its manifest"
  std::vector<std::string> tested;  // what was looked at, in words
  std::optional<WallTime> tested_at;
  std::string sha256, schema_hash;
  std::string kind;  // "SQL text, gzip"
  int64_t tables = 0, rows = 0, dangling = 0;
  bool made_here = false;  // copied by backout, and so subject to database.backups.keep
  bool good() const { return result == "good"; }
  /// Written later than now, says its date: how old it is nobody knows, so it counts as no backup of today.
  bool is_dated_ahead() const;
  /// What a test cannot see: a cut between two statements, where nothing marks the end. Empty: there is no such doubt.
  std::string doubt_of_end() const;
};

enum class Depth {
  kListed,  // what earlier tests said of files that have not changed since: cheap
  kNew,     // and whatever is new or changed is tested now
  kAll,     // everything is tested again
};

using Said = std::function<void(const std::string& line)>;

/// Newest first. Tests are recorded in the journal. kRefused without database.backups, or when it is on another
/// machine; kNotFound, kDenied of the directory.
Result<std::vector<Backup>> look_at_backups(const Workspace& workspace, Depth depth, const Said& said = {});

/// In one look at what is recorded and listed, without testing anything: for `ready`, `status` and `tick`.
struct BackupHealth {
  bool configured = false;
  std::string directory;
  std::string problem;                    // the directory cannot be looked at, or the last one due could not be made
  std::optional<Backup> newest;           // whatever it is
  std::optional<Backup> newest_good;      // the newest that a test passed
  std::optional<Backup> newest_restored;  // the newest that was really restored
  std::string newest_is_bad;  // why `newest` is not to be relied on; empty when it is, or was not tested yet
  bool overdue = false;       // database.backups.every says that there should be a younger one
  bool well() const { return problem.empty() && newest_is_bad.empty() && newest_good.has_value() && !overdue; }
};
Result<BackupHealth> backup_health(const Workspace& workspace);
/// One line: "shop.sql.gz of 2 h ago (412 kB): restored and matched its manifest at 13:04".
std::string in_words(const Backup& backup);

Json to_json(const Backup& backup);
Json to_json(const BackupHealth& health);

/// Where backups are restored for a test, and where the chosen one lies while a plan is made: below the state
/// directory.
std::string scratch_directory(const Workspace& workspace);

}  // namespace backout::app
