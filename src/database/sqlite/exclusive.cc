#include "database/sqlite/exclusive.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace backout::database {

Result<std::optional<ExclusiveLock>> ExclusiveLock::try_lock(const std::string& file) {
  const int fd = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return errno_error(file);
  ExclusiveLock lock(fd);
  struct flock range {};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  range.l_start =
      0x40000000;  // PENDING, RESERVED and the 510 SHARED bytes: https://www.sqlite.org/fileformat2.html, 1.3
  range.l_len = 512;
  if (::fcntl(fd, F_OFD_SETLK, &range) == 0) return std::optional<ExclusiveLock>(std::move(lock));
  if (errno == EAGAIN || errno == EACCES) return std::optional<ExclusiveLock>();
  return errno_error("locking " + file);
}

ExclusiveLock::~ExclusiveLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace backout::database
