// LiveGuard: watches the live database while a migration tool runs that was told to work on another one.
//
// A session there that bears the tool's application name is ended at once, and so is one that waits for a lock that the
// guard holds; the tool itself is told to stop. Users are not touched: the locks are those of a session that writes
// rows, and go with every read and write.
#pragma once
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "database/postgresql/connection.h"

namespace backout::postgresql {

class LiveGuard {
 public:
  /// `kLock`: every table is locked in ROW EXCLUSIVE mode, which DDL of others has to wait for. kBusy: one cannot be.
  enum class How { kWatch, kLock };
  LiveGuard(const Server& server, const std::string& live, std::string application);
  LiveGuard(const LiveGuard&) = delete;
  LiveGuard& operator=(const LiveGuard&) = delete;
  ~LiveGuard();

  Result<void> begin(How how);
  /// Requested as soon as a session was seen: for the process of the tool.
  std::stop_token stop() const { return found_.get_token(); }
  /// Watches no more, and lets go of the locks: the sessions that were seen, in words; empty: none. An error: it could
  /// not look all the time.
  Result<std::string> end();

 private:
  void watch(const std::stop_token& over);
  bool look();

  Server server_;
  std::string live_, application_, began_;
  Connection locks_, watching_;
  std::mutex mutex_;  // of seen_ and trouble_
  std::string seen_, trouble_;
  std::stop_source found_;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace backout::postgresql
