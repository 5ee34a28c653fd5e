// What a server sends over logical replication: whatever it is, it is a message, or an error.
#include <cstddef>
#include <cstdint>

#include "database/postgresql/slot_changes.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace backout::postgresql;
  SlotChanges changes(*Snapshot::parse("3:3:"), *Snapshot::parse("4000000000:4000000000:"), 1U << 16);
  changes.want({.id = 1, .key = {{"id"}}, .relations = {0x4005, 0x4001, 0x4009, 0x400a}});
  // A stream: two bytes of length before each message.
  std::string_view left(reinterpret_cast<const char*>(data), size);
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
  return 0;
}
