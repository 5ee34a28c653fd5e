// The hash chain: every event of a site carries the hash of the one before it, over the exact bytes that are stored.
// Pure. The byte forms are a promise to readers in other languages: docs/formats/journal.md.
#pragma once
#include <string>
#include <string_view>

#include "model/event.h"

namespace backout::journal {

/// Stands before the first event of a site.
inline constexpr std::string_view kFirstPrevious = "0000000000000000000000000000000000000000000000000000000000000000";

/// An event as its bytes lie in the journal. Anything may stand in a field after somebody changed the file.
struct StoredEvent {
  std::string site;
  int64_t seq = 0;
  std::string id, type;
  int64_t at_ms = 0, boot_ms = 0;
  std::string boot_id, actor, run, body, prev, hash;
};

/// Every string inside made valid UTF-8 without control characters, newlines kept; then the canonical form.
std::string body_bytes(const Json& body);
/// Everything of an event but its body and hashes, in the canonical form.
std::string header_bytes(const StoredEvent& event);
/// sha256(prev + header + body), lowercase hex.
std::string chain_hash(const StoredEvent& event);
/// kCorrupt, with site and seq, when type or body cannot be read.
Result<Event> parsed(const StoredEvent& event);

}  // namespace backout::journal
