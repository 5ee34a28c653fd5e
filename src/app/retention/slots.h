// Slots: which replication slots of ours on the site's PostgreSQL server are needed no more. One that is forgotten
// keeps the server's log for good, until its disk is full; so whatever no checkpoint needs goes at the next tick.
#pragma once
#include <string>
#include <vector>

#include "app/site/workspace.h"

namespace backout::app {

struct DueSlot {
  std::string name, why;
};
/// `checkpoints` and `runs`: newest first. A server that does not answer is asked again the next time.
std::vector<DueSlot> slots_due(const Workspace& workspace, const std::vector<Checkpoint>& checkpoints,
                               const std::vector<journal::RunRow>& runs);

/// The slot that the newest checkpoint made, as far as the journal knows still wanted: {slot, checkpoint, since_ms}.
/// The server is not asked. Null: there is none.
Result<Json> slot_of_checkpoint(const Workspace& workspace);

/// The slot and its publication.
Result<void> drop_slot(const Workspace& workspace, const std::string& name);

}  // namespace backout::app
