// PlainFile: a file that others write to and rename while we read it: opened without ever waiting, read by place.
//
// Only regular files: a FIFO, a device, a socket or a directory is refused before it is opened, and again after.
// Reading changes nothing, not even the place of the next read. All paths are of this machine.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "os/descriptor.h"

namespace backout::os {

struct FileSight {
  uint64_t device = 0, inode = 0, size = 0;
  int64_t modified_ms = 0;  // wall time
};
/// kNotFound, kDenied; kInvalid: it is no regular file. Follows links.
Result<FileSight> look_at_file(const std::string& path);

class PlainFile {
 public:
  static Result<PlainFile> open(const std::string& path);
  /// As it is now.
  Result<FileSight> look() const;
  /// Fewer bytes than asked for only at the end of the file.
  Result<size_t> read_at(uint64_t offset, char* into, size_t length) const;
  /// Where from `offset` on something was written: a hole is not. The offset itself where that cannot be told.
  uint64_t data_from(uint64_t offset) const;

 private:
  Descriptor file_;
  std::string path_;
};

}  // namespace backout::os
