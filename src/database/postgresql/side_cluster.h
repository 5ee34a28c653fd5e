// A side cluster: a pgBackRest backup restored into a directory of its own and brought to a point in time, for as long
// as its database is read. It can reach nothing of the live one: it archives nowhere, listens on a socket in its own
// directory alone, follows nobody, and has tablespaces of its own.
//
// Killed at any instant and run again: whatever lies in its directory, and every process that works there, is ended and
// removed first. Nothing of it is ever resumed.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "database/postgresql/connection.h"
#include "database/postgresql/repository.h"
#include "database/postgresql/verb_args.h"

namespace backout::postgresql {

/// How far the log is played. One of both.
struct RecoveryTarget {
  std::string lsn;  // everything before it
  int64_t timeline = 0;
  std::string time;  // "2026-03-01 14:02:11+00": every transaction committed until then
  std::string words() const;
};

struct SideJob {
  Repository repository;
  BackupSet set;
  RecoveryTarget target;
  std::string root;       // the directory: root_of_side()
  std::string superuser;  // the one that initdb made
  std::string programs;   // see find_program
  uint64_t segment_size = 16U << 20;
};

class SideCluster {
 public:
  /// Restores, starts and waits until the target is reached and the cluster takes writes. kNoSpace before anything is
  /// made; kCorrupt: the repository is damaged, or what came out of it is no cluster; kNotFound: the log ends before
  /// the target. Nothing is left then.
  static Result<std::unique_ptr<SideCluster>> restore(const SideJob& job, const Progress& progress);
  SideCluster(const SideCluster&) = delete;
  SideCluster& operator=(const SideCluster&) = delete;
  ~SideCluster();
  Result<void> remove();

  Server server() const;
  /// Where it left the log: "0/4000028".
  const std::string& reached() const { return reached_; }
  /// When the last transaction in it was committed; empty: none was played.
  const std::string& last_commit() const { return last_commit_; }

 private:
  explicit SideCluster(SideJob job) : job_(std::move(job)) {}
  Result<void> make(const Progress& progress);
  Result<void> check_files() const;
  Result<void> configure() const;
  Result<void> start() const;
  Result<void> wait_for_end(const Progress& progress);
  bool is_ready() const;
  Result<void> check_end(Connection& connection);
  Error why_ended() const;
  std::string data() const { return job_.root + "/data"; }

  SideJob job_;
  std::string reached_, last_commit_;
  bool gone_ = false;
};

/// `directory`/backout-side-NAME, of a name like that of a database of ours. kInvalid: the socket in it would have too
/// long a name.
Result<std::string> root_of_side(const std::string& directory, const std::string& database);
/// Ends what works in `root` and removes it. False: there was nothing.
Result<bool> remove_side(const std::string& root);
/// Whether anything of it is left.
bool is_side_left(const std::string& root);

}  // namespace backout::postgresql
