// Retention: files that hold personal data are deleted when their time is over, and the journal says so.
//
// Never deleted: the newest checkpoint of a release that may still be gone back to (what runs, and as many known-good
// ones as `code.keep`, at least one), what an unfinished run needs, and what the newest run kept, with which the site
// can go the other way again. The event is in the journal before the file goes: after a crash the next call deletes it
// again.
#pragma once
#include <string>
#include <vector>

#include "app/site/workspace.h"

namespace backout::app {

struct Expired {
  std::string directory;      // or one file
  std::string checkpoint;     // that goes with it; empty: none
  std::string says;           // "checkpoint C-3 of v1.2, kept for 30 days"
  std::string database = {};  // not empty: one of the server, whose place `directory` names, and no file
  std::string slot = {};      // the same for a replication slot
};

/// What is due now. Reads the directories of this site only; nothing is configured, nothing is due.
Result<std::vector<Expired>> expired(const Workspace& workspace);
/// Writes it down and deletes it.
Result<void> expire(const Workspace& workspace, const Expired& what);

}  // namespace backout::app
