// examine: is an archive whole, as far as that shows without restoring it? Read from its first byte to its last,
// unpacked, its end looked at; PostgreSQL's own formats read by pg_restore. SQLite's kinds are restored by
// database/sqlite/load.h, which reads them in the same way.
#pragma once
#include <string>
#include <vector>

#include "database/archive/find.h"
#include "database/archive/stream.h"

namespace backout::archive {

enum class Finding {
  kWhole,     // nothing is wrong with it
  kBad,       // it is no backup to rely on: `why`
  kUntested,  // it could not be tested (no room, no tool): `why`; never taken for good
};

struct Examined {
  Finding finding = Finding::kUntested;
  std::string why;
  Kind kind = Kind::kUnknown;
  Packing packing = Packing::kNone;
  std::string sha256;  // of the file; of a directory: sha256_of_directory
  uint64_t unpacked = 0;
  std::vector<std::string> tested;  // what was looked at, in words: "gunzip -t", "pg_restore --list: 214 entries"
};

/// Never an error: what went wrong is in it.
Examined examine(const Found& found, const Limits& limits);

/// How an error while reading or restoring an archive counts.
Finding finding_of(const Error& error);

}  // namespace backout::archive
