#include "os/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include "base/text.h"

namespace backout::os {
namespace {

constexpr Millis kBetweenTries{2};

}  // namespace

Result<FileLock> FileLock::take(const std::string& path, Millis patience) {
  Descriptor file(open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666));
  if (!file.is_open()) return errno_error("opening " + one_line(path));
  const BootTime deadline = system_clock().boot() + patience;
  while (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return errno_error("locking " + one_line(path));
    if (system_clock().boot() >= deadline)
      return Error{Code::kBusy, "another process holds " + one_line(path), "try again in a minute"};
    system_clock().wait(kBetweenTries, {});
  }
  return FileLock(std::move(file));
}

FileLock::~FileLock() {
  // By word, not only by closing: a child that another thread is just starting has a copy until it becomes its program.
  if (file_.is_open()) flock(file_.get(), LOCK_UN);
}

}  // namespace backout::os
