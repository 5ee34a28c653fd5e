// The journal's side of going back: is the record whole and writable, is the site free, what runs, where to?
#pragma once
#include <optional>
#include <vector>

#include "app/site/workspace.h"
#include "driver/readiness.h"
#include "model/finding.h"
#include "model/release.h"

namespace backout::app::ready {

struct JournalSeen {
  std::optional<Release> current, target;
  std::optional<Checkpoint> checkpoint;  // that brings the target back
  std::vector<Finding> findings;
  std::vector<driver::Need> needs;  // of this machine
};

/// kQuick walks the chains of a small journal only.
JournalSeen look_at_journal(const Workspace& workspace, driver::Depth depth);

/// Which finding it is when the journal cannot be opened at all.
Finding journal_is_shut(const Error& error);

}  // namespace backout::app::ready
