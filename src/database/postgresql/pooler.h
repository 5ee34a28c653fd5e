// Pooler: PgBouncer in front of the server, told that a database is about to be another one.
//
// A pooler that tries to connect while the live name is closed gets a refusal, and then does not try again for its
// server_login_retry (15 s): users would wait that long behind an open door. Paused, it lets its clients wait and opens
// no connection; resumed, it connects anew, to whatever has the name by then.
#pragma once
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "driver/tool.h"

namespace backout::postgresql {

struct Pooler {
  std::string admin;  // how its console is reached: a connection string of libpq without a password
  std::string pool;   // what it calls the database
};

/// By the arguments `poolers` ([connection string]) and `pool` (empty: as `database`).
std::vector<Pooler> poolers_of(const Json& args);

/// Its version, as it says itself. kUnavailable, kDenied: with what to do.
Result<std::string> look_at_pooler(const Pooler& pooler);

/// Paused for as long as this lives, then resumed. A pooler that cannot be reached or paused is told and does not stop
/// anything: its sessions are ended like all others.
class PausedPoolers {
 public:
  PausedPoolers(std::vector<Pooler> poolers, const driver::Progress& progress);
  PausedPoolers(const PausedPoolers&) = delete;
  PausedPoolers& operator=(const PausedPoolers&) = delete;
  ~PausedPoolers();
  /// Resumes, also what an earlier try left paused: [{"pooler", "paused", "resumed", "why"}].
  Json resume();

 private:
  std::vector<Pooler> poolers_;
  std::vector<std::string> faults_;  // by pooler; empty: paused
  bool resumed_ = false;
};

}  // namespace backout::postgresql
