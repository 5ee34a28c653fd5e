// Points: moments that pgBackRest brings back, in the place of a checkpoint's dump.
#pragma once
#include <memory>
#include <string>

#include "app/backups/archives.h"

namespace backout::app {

/// "2026-11-22 14:03:00+01" and the like, a time zone with it, in UTC as PostgreSQL takes it:
/// "2026-11-22 13:03:00.000+00". kInvalid: it is no moment; kRefused: it is not over yet.
Result<std::string> checked_moment(const std::string& text, WallTime now);

/// The checkpoint without its dump, where that is gone or damaged and pgBackRest has the same moment; null otherwise.
std::unique_ptr<StandIn> point_instead_of_dump(const Workspace& workspace, const Subject& subject,
                                               const Checkpoint& checkpoint);

/// The database as it was at a moment (checked_moment), really restored into a cluster beside for the plan: with that,
/// rows are counted and the schema is known. The run restores it again. kRefused: no stanza is named, or the schema was
/// not the one that the checkpoint of `to` knows; else as the restore says.
Result<std::unique_ptr<StandIn>> database_at(const Workspace& workspace, const Subject& subject, const Release& to,
                                             const Checkpoint* checkpoint, const std::string& moment);

}  // namespace backout::app
