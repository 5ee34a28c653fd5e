// Point: the place in the log at which a checkpoint's snapshot was taken, so that pgBackRest can bring back just that.
//
// A transaction's commit is in the log before others see it. So a snapshot and a place in the log agree for certain
// only where nothing waits to be written to disk: such an instant is looked for, for a short time. Where there is none,
// what is on disk is taken, at an instant in which no transaction was just ending; the restored cluster then says which
// transactions it has and the snapshot did not see, or the other way round. Neither loses a row: what live has and the
// restored one has not is carried over as written since.
#pragma once
#include <functional>

#include "base/json.h"
#include "database/postgresql/repository.h"
#include "database/postgresql/verb_args.h"

namespace backout::postgresql {

/// {"lsn", "timeline", "time", "snapshot", "snapshot_after", "quiet"}. `transaction`: begun, REPEATABLE READ, without a
/// snapshot; it has one when this returns. `again` begins it anew.
Result<Json> note_quiet_instant(Connection& transaction, Connection& beside,
                                const std::function<Result<void>()>& again);

/// Writes a named restore point into the log and begins a new segment, where the role may: adds "name", "segment",
/// "segment_size", "system_id", and "denied" where it may not.
void mark_point(Connection& beside, Json& point);

/// Adds "stanza", "archived", and "label" of the backup that it would be restored from; "why_not" where one is missing.
/// An error only where nothing could be looked at because the configuration is wrong.
Result<void> wait_until_archived(const Repository& repository, Connection& beside, Json& point,
                                 const Progress& progress);

/// So that the log goes on to now in the archive, with a transaction at its end: for a point in time that nothing was
/// written after. What stands against it, else empty.
std::string push_log(const Repository& repository, Connection& live, const Progress& progress);

/// Transactions that were under way when the point was noted and that `restored` has, although the snapshot did not see
/// them.
Result<int64_t> unseen_commits(Connection& restored, const Json& point);
/// Those that the snapshot saw and `restored` has not: with synchronous_commit off.
Result<int64_t> missing_commits(Connection& live, Connection& restored, const Json& point);

}  // namespace backout::postgresql
