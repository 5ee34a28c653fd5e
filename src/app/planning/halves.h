// Halves of a rollback: --code-only and --db-only, refused where code would be left on a database that it cannot use.
#pragma once
#include "app/site/subject.h"
#include "model/plan.h"
#include "model/release.h"

namespace backout::app {

/// The database stays as it is, and the code goes back.
void refuse_without_database(Contract& contract);

/// The code that runs stays, and the data goes back: only where the schema of `checkpoint` (null: none) is the one that
/// the code runs on, as `seen` says, and no migration was noted since: one that changes rows alone shows in no schema.
void refuse_without_code(const Workspace& workspace, Contract& contract, const Subject& subject,
                         const Checkpoint* checkpoint, const Seen& seen);

}  // namespace backout::app
