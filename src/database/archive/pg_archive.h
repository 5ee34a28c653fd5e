// pg_archive: what pg_restore does not notice of an archive of PostgreSQL. Learnt from the archives of pg_dump 15, cut
// and changed at every place: a compressed data file that is emptied or has lost its first byte is read as one without
// compression; a plain one may end anywhere; a large object that blobs.toc no longer names is left out; of a tar file
// the end may be missing, and one that is cut off in the middle of a member keeps pg_restore busy for ever.
#pragma once
#include <string>
#include <string_view>

#include "database/archive/find.h"
#include "database/archive/stream.h"

namespace backout::archive {

/// The members of a tar file as they go by: each header right, each member whole, the end there, nothing behind it.
class TarWalk {
 public:
  Result<void> take(std::string_view bytes);
  Result<void> finish() const;

 private:
  Result<void> header();
  std::string block_, member_;
  uint64_t left_ = 0;  // bytes of the member, and what fills its last block
  int zeros_ = 0;      // blocks of them: two are the end
};

/// Every data file of pg_dump --format=directory, read to its end. True when all of it carries checksums.
Result<bool> read_directory(const Found& found, const Limits& limits);

/// SHA-256 over the names of its files and theirs: changes with any byte of it.
Result<std::string> sha256_of_directory(const std::string& path);

/// Whether a changed byte in the data would show when pg_restore reads it. `head`: the first bytes, unpacked.
bool has_checksums(Kind kind, std::string_view head);

}  // namespace backout::archive
