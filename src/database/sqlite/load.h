// load: a team's own backup of an SQLite database made into one that backout can restore: a file of its own with a
// manifest beside it, complete and checked when it has its name.
//
// An SQLite file is copied, with its -wal when that lies beside it; SQL text is run statement by statement in a new
// file, and may do there what a dump does and nothing else: no ATTACH, no extension, no file of its own. Packed ones
// are unpacked on the way. Killable and repeatable.
#pragma once
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "database/archive/kind.h"
#include "database/sqlite/files.h"
#include "database/sqlite/manifest.h"

namespace backout::database {

struct LoadJob {
  std::string archive;
  std::string sha256;    // the archive must have it; empty: any
  std::string taken_at;  // for the manifest, ISO 8601
  std::string backup;    // becomes the database
  std::string manifest;  // and this what it holds
  std::stop_token stop;
  uint64_t most_bytes = 0;  // what it may grow to; 0: all the room there is
  Millis within{0};         // how long it may take; 0: as long as it takes, but no single statement for ever
};

/// Limits for an archive that nobody has restored yet: no dump holds so much more than its size, or takes so long.
void limit_by_size(LoadJob& job, uint64_t size, bool packed);

struct Loaded {
  Manifest manifest;
  archive::Kind kind = archive::Kind::kUnknown;
  std::string sha256;  // of the archive
  uint64_t unpacked = 0;
  int64_t rows = 0;
  bool marks_its_end = true;  // false: archive/trailer.h, kNoMark
  int64_t dangling = 0;       // rows whose foreign key points nowhere
};

/// kCorrupt: the archive is cut off, damaged, not what SQLite takes, or beyond its limits; the message says where.
/// kConflict: it is not the one with that sha256. kNoSpace, kUnsupported (a kind that does not go into SQLite).
Result<Loaded> load_archive(const LoadJob& job, const Progress& progress);

}  // namespace backout::database
