// find: the files of a directory that may be backups. Looks at names and at the first bytes; opens nothing that could
// wait (a FIFO, a device), follows no symlink, changes nothing. What is there and cannot be one is told with the
// reason.
#pragma once
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "database/archive/kind.h"
#include "database/archive/name_time.h"

namespace backout::archive {

struct Found {
  std::string path, name;
  uint64_t size = 0;  // of a directory: of the files in it
  WallTime written_at{};
  std::string identity;  // changes when the file is written or replaced
  Taken when;
  Packing packing = Packing::kNone;
  Kind kind = Kind::kUnknown;  // of packed files: as far as it is known before unpacking, else kUnknown
  std::string fault;           // why it cannot be one, or cannot be read; empty when it may be one
};

/// Newest first. `match`: a pattern for names (fnmatch(3)), empty for all. kNotFound, kDenied: of the directory.
Result<std::vector<Found>> find_archives(const std::string& directory, const std::string& match);

}  // namespace backout::archive
