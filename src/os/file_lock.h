// FileLock: flock(2) on a file, exclusive, for as long as the object lives. It shuts out other processes and other
// threads of this one alike; no program that is started meanwhile keeps it. A killed process lets go of it.
#pragma once
#include <sys/types.h>

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "os/descriptor.h"

namespace backout::os {

class FileLock {
 public:
  /// Makes the file when it is missing. Waits for `patience` at most, then kBusy; other errors are the system's.
  static Result<FileLock> take(const std::string& path, Millis patience);
  FileLock(FileLock&&) = default;
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();
  /// The locked descriptor, to be lent to a program: the lock lasts until the last copy is closed.
  Descriptor hand_over() { return std::move(file_); }

 private:
  explicit FileLock(Descriptor file) : file_(std::move(file)) {}
  Descriptor file_;
};

/// Who took the lock on that file, as far as /proc/locks tells: a program that was lent it may have it by now.
std::optional<pid_t> holder_of_lock(const std::string& path);

}  // namespace backout::os
