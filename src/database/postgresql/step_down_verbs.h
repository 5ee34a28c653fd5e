// try-down and step-down: migrations undone on a copy, tried on the saved rows while users are in, then done on a copy
// of the live database behind the closed door.
//
// The live database is never touched: what is stepped down is a copy, and the swap brings it in and keeps the replaced
// one. So no value is lost, whatever a down drops: it is in the replaced database, and in the run's archive.
#pragma once
#include "base/json.h"
#include "driver/tool.h"

namespace backout::postgresql {

/// Arguments: server, maintenance, database, scratch, save {backup, manifest}, against {backup?, manifest,
/// manifest_sha256, habits}, migrations, noted, downs, accept_loss, result. Restores the save into `scratch`, undoes
/// there, compares each table before and after, and with the checkpoint; drops what it made. kRefused: a row that users
/// wrote would be changed, or the old code would not fit.
Result<Json> run_try_down(const Json& args, const driver::Progress& progress);
Result<Json> look_at_tried(const Json& args);

/// Arguments: server, maintenance, database, incoming, against, migrations, noted, downs, trial (the result of
/// try-down), accept_loss, record, archive. Closes the live database, copies it, undoes on the copy, and opens the live
/// one again. The record has the marks of the moment of the copy.
Result<Json> run_step_down(const Json& args, const driver::Progress& progress);
Result<Json> look_at_stepped_down(const Json& args);
/// Whether the live database has the schema and the books that the step down left.
Result<Json> look_at_live_stepped_down(const Json& args);

}  // namespace backout::postgresql
