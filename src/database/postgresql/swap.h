// swap: the restored database takes the name of the live one, in one transaction; the old one is kept, closed.
//
// Nothing can be written to the live database between the last look at it and the rename: it is closed first, its
// sessions are ended, and what its tables have counted since the rescue is looked at through a session that was there
// before. Which database stands behind a name is known by its oid, so a kill at any instant is found out by looking.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "database/postgresql/connection.h"
#include "driver/tool.h"

namespace backout::postgresql {

struct SwapJob {
  Server server;
  std::string maintenance;  // the database from which others are renamed
  std::string database;     // the live name
  std::string incoming;     // what shall have it
  std::string keep;         // what the live one is called then
  std::string marker;       // a file beside the run: which oids
  /// What gives the new one its owner and rights, under the live name, in the transaction of the renames.
  std::vector<std::string> dressing;

  /// Called when the database is closed and nobody but `live` is in it: false, and why, when a row may have been
  /// written since the rescue. Then it is opened again, and `again` carries what is new; a few times.
  /// It may make another database of the name `incoming`.
  std::function<Result<bool>(Connection& live, Connection& incoming, std::string& why)> unchanged;
  std::function<Result<void>()> again;
};

/// Evidence: {"how": "rename" | "already", "kept", "closed_ms", "ended", "again"}. kBusy: a session that does not end,
/// or a writer that comes again and again; the live database is open again then.
Result<Json> swap(const SwapJob& job, const driver::Progress& progress);

struct SwapBackJob {
  Server server;
  std::string maintenance, database, keep, aside, marker;
};
/// The old database has its name again and is open, whether the swap was done, half done or not begun. Its sequences
/// are raised to those of the one that served. Evidence "not_carried": sentences on what was written to that one since
/// the swap, which stays in `aside`.
Result<Json> swap_back(const SwapBackJob& job);

struct SwapSight {
  bool swapped = false;
  bool open = true;  // the database that has the live name can be connected to
  std::string why;
};
Result<SwapSight> look_at_swap(const Server& server, const std::string& maintenance, const std::string& database,
                               const std::string& marker);

}  // namespace backout::postgresql
