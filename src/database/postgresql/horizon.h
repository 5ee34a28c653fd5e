// Horizon: what a checkpoint notes beside its rows, so that what was written since can be counted on the live database
// alone. A few bytes a table; checkpoints without it are counted in poorer ways.
#pragma once
#include "base/json.h"
#include "database/postgresql/connection.h"

namespace backout::postgresql {

/// {"timeline": 1, "time_zone": "UTC", "keys": {"public.orders": {"column": "id", "max": 200}}}. In the transaction of
/// the snapshot. `time_zone`: that of the dump's own sessions. `keys`: tables whose primary key is one whole number and
/// that have rows.
Result<Json> read_horizon(Connection& connection);

/// The server's timeline; 0 when it may not be asked.
int64_t timeline_of(Connection& connection);

/// The first number of "749:752:750": no transaction below it was running when the snapshot was taken. 0: it is none.
uint64_t oldest_running(const std::string& snapshot);

}  // namespace backout::postgresql
