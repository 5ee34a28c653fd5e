// recover, prove-point, discard-side: a point in time out of the team's pgBackRest repository, by a side cluster
// (side_cluster.h) that is gone again when the verb ends.
//
// `recover` dumps the database out of it, so that everything that begins with a dump - restore beside, rescue, swap,
// abort, keep - goes on as always. `prove-point` compares it with what the checkpoint counted, and keeps nothing.
// Killable at any instant and repeatable: what an earlier try left is ended and removed first.
#pragma once
#include "base/json.h"
#include "database/postgresql/verb_args.h"

namespace backout::postgresql {

/// Arguments and evidence: docs/formats/postgresql-backup.md. kCorrupt: the repository is damaged, or what came out is
/// not what the checkpoint held; kNotFound: no backup from before, or the log ends before the target; kNoSpace.
Result<Json> run_recover(const Json& args, const Progress& progress);
Result<Json> run_prove_point(const Json& args, const Progress& progress);
Result<Json> run_discard_side(const Json& args, const Progress& progress);
Result<Json> look_at_recovered(const Json& args);
Result<Json> look_at_proved_point(const Json& args);
Result<Json> look_at_discarded_side(const Json& args);

}  // namespace backout::postgresql
