// slot_stream: reads what a logical slot holds, and leaves it there: nothing is confirmed to the server, so the same
// can be read again, and again.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "database/postgresql/connection.h"
#include "database/postgresql/lsn.h"

namespace backout::postgresql {

struct SlotSource {
  Server server;
  std::string database;  // the one that the slot is of
  std::string slot, publication;
};

struct SlotRead {
  int64_t messages = 0, bytes = 0;
  int64_t took = 0;  // ms
};

/// Hands on every message of pgoutput, in the order of commits, up to the position `until` of the log, which must be on
/// the server's disk or come there soon. kBusy: somebody else reads the slot. kTimedOut after `limit`. Otherwise
/// what the server says, as when the log that the slot needs is not there any more.
Result<SlotRead> read_slot(const SlotSource& source, uint64_t until, Millis limit,
                           const std::function<Result<void>(std::string_view message)>& take);

}  // namespace backout::postgresql
