// SlotCount: what a checkpoint's slot knows of the rows that were written since, for the tables for which it can be
// believed. Nothing is confirmed to the server: counting again reads the same again.
//
// Believed only when nothing happened that a stream of changes does not show: the table is the same (by its oid and its
// file: a rewrite is not in the stream), was in the publication all the time, has the same key, and was not truncated.
// Everything else is counted in another way, and the words say why.
#pragma once
#include <map>

#include "database/postgresql/slot_changes.h"
#include "database/postgresql/table_count.h"
#include "driver/tool.h"

namespace backout::postgresql {

struct SlotCount {
  std::string why_not;              // of all tables; empty, with no tables: no slot was asked for
  std::map<int64_t, SlotNet> nets;  // by the checkpoint's oid
  int64_t changes = 0, took = 0;    // taken in; ms
};

/// In the REPEATABLE READ transaction of `live`, whose moment it is of. `server`: to read the slot. Takes at most half
/// of the time that is left; what goes wrong is a reason, no error.
SlotCount count_by_slot(const Server& server, Connection& live, const CountGround& ground, const RowMap& map);

/// {"server", "database", "slot", "publication"?} -> {"messages", "changes", "bytes", "took_ms"}: reads a slot to the
/// position that the log has now.
Result<Json> run_read_slot(const Json& args, const driver::Progress& progress);

}  // namespace backout::postgresql
