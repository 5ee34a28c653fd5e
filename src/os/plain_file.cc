#include "os/plain_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"

namespace backout::os {
namespace {

Result<FileSight> sight_of(const struct stat& info, const std::string& path) {
  if (!S_ISREG(info.st_mode)) {
    const char* what = S_ISDIR(info.st_mode)    ? "is a directory"
                       : S_ISFIFO(info.st_mode) ? "is a named pipe"
                       : S_ISSOCK(info.st_mode) ? "is a socket"
                                                : "is a device";
    return Error{Code::kInvalid, one_line(path) + " " + what + ", not a file", "name a regular file"};
  }
  return FileSight{.device = info.st_dev,
                   .inode = info.st_ino,
                   .size = static_cast<uint64_t>(info.st_size),
                   .modified_ms = info.st_mtim.tv_sec * 1000 + info.st_mtim.tv_nsec / 1'000'000};
}

}  // namespace

Result<FileSight> look_at_file(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return errno_error("looking at " + one_line(path));
  return sight_of(info, path);
}

Result<PlainFile> PlainFile::open(const std::string& path) {
  TRY(look_at_file(path));  // opening a device can do something
  PlainFile plain;
  plain.path_ = path;
  plain.file_ = Descriptor(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!plain.file_.is_open()) return errno_error("reading " + one_line(path));
  TRY(plain.look());
  return plain;
}

Result<FileSight> PlainFile::look() const {
  struct stat info {};
  if (fstat(file_.get(), &info) != 0) return errno_error("looking at " + one_line(path_));
  return sight_of(info, path_);
}

Result<size_t> PlainFile::read_at(uint64_t offset, char* into, size_t length) const {
  size_t have = 0;
  while (have < length) {
    const ssize_t got = pread(file_.get(), into + have, length - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error("reading " + one_line(path_));
    if (got == 0) break;
    have += static_cast<size_t>(got);
  }
  return have;
}

uint64_t PlainFile::data_from(uint64_t offset) const {
  const off_t found = lseek(file_.get(), static_cast<off_t>(offset), SEEK_DATA);
  return found < 0 ? offset : static_cast<uint64_t>(found);
}

}  // namespace backout::os
