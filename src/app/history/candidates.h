// Candidates: what could be gone back to, the best first: releases of the journal, then tags and directories that it
// does not know.
#pragma once
#include <string>
#include <vector>

#include "app/site/workspace.h"

namespace backout::app {

struct Candidate {
  Version version;
  std::optional<Release> release;             // none: the journal does not know it
  std::string found;                          // where it was found when it is not recorded: "git tag", "directory"
  bool checkpoint = false, verified = false;  // something brings its database back; that was restored and compared
  bool refused = false;                       // marked bad
};

/// Every version once, at most `limit` that are recorded and as many that are not. Looks at the code, and changes
/// nothing.
Result<std::vector<Candidate>> candidates(const Workspace& workspace, size_t limit = 20);

/// Makes a version that was found known to the journal, so that it can be gone back to. It does not become current.
Result<void> record_found(const Workspace& workspace, const Candidate& candidate);

}  // namespace backout::app
