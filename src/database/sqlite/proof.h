// The second diff: live against what would be swapped in. Every difference must be one that was reported.
#pragma once
#include "database/sqlite/carrier.h"

namespace backout::database {

/// {table: counts} of all that differs. kConflict when a difference was not reported, or a reported one is not there.
/// REQUIRES: the rescue is committed; the connection still has its log.
Result<Json> prove(Connection& target, Sides& sides, Carrier& carrier);

/// On the way forward again: rows in which the kept file differed from what was swapped in then (they could not be
/// carried back) are marked, so that the proof knows them.
Result<void> mark_known(CarriedTable& table, const std::string& pristine, Sides& sides);

}  // namespace backout::database
