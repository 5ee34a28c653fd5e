#include "os/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <sstream>

#include "base/text.h"
#include "os/file.h"

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

std::optional<pid_t> holder_of_lock(const std::string& path) {
  struct stat info {};
  const auto locks = read_file("/proc/locks");
  if (stat(path.c_str(), &info) != 0 || !locks) return std::nullopt;
  const std::string file = fmt::format("{:02x}:{:02x}:{}", major(info.st_dev), minor(info.st_dev), info.st_ino);
  for (const std::string& line : split(*locks, '\n')) {  // "3: FLOCK  ADVISORY  WRITE 1234 fe:00:5678 0 EOF"
    std::istringstream words(line);
    std::string number, kind, how, access, place;
    pid_t pid = 0;
    if (words >> number >> kind >> how >> access >> pid >> place && kind == "FLOCK" && place == file && pid > 0)
      return pid;
  }
  return std::nullopt;
}

FileLock::~FileLock() {
  // By word, not only by closing: a child that another thread is just starting has a copy until it becomes its program.
  if (file_.is_open()) flock(file_.get(), LOCK_UN);
}

}  // namespace backout::os
