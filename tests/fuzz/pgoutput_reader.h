// What a server sends over logical replication: whatever it is, it is a message, or an error.
#pragma once
#include <cstdint>

#include "database/postgresql/slot_changes.h"

namespace backout::postgresql {

/// Messages, each behind two bytes of its length; CHECKs by a trap that a table in doubt has no figures.
inline void fuzz_pgoutput(std::string_view left) {
  SlotChanges changes(*Snapshot::parse("3:3:"), *Snapshot::parse("1000000:1000000:"), 1U << 16);
  changes.want({.id = 1, .key = {{"id"}}, .relations = {0x4005, 0x4001, 0x4009, 0x400a}});
  // A stream: two bytes of length before each message.
  while (left.size() >= 2) {
    const size_t length =
        (static_cast<size_t>(static_cast<unsigned char>(left[0])) << 8U) | static_cast<unsigned char>(left[1]);
    left.remove_prefix(2);
    const std::string_view message = left.substr(0, length);
    (void)parse_pgoutput(message);
    (void)changes.take(message);
    left.remove_prefix(message.size());
  }
  const SlotNet net = changes.net(1);
  if (!net.doubt.empty() && net.inserted + net.deleted + static_cast<int64_t>(net.written.size()) > 0) __builtin_trap();
}

}  // namespace backout::postgresql
