// ExclusiveLock: keeps every SQLite connection of every other process out of a database file, without a connection.
//
// Takes SQLite's own lock bytes as an open-file-description lock, so it ends with this object and not when some other
// descriptor of the file is closed. While it is held this process must open the file only as Open::kFixed.
#pragma once
#include <optional>
#include <string>

#include "base/result.h"

namespace backout::database {

class ExclusiveLock {
 public:
  /// Nothing: somebody holds a lock. Does not wait.
  static Result<std::optional<ExclusiveLock>> try_lock(const std::string& file);
  ExclusiveLock(ExclusiveLock&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  ExclusiveLock& operator=(ExclusiveLock&&) = delete;
  ~ExclusiveLock();

 private:
  explicit ExclusiveLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace backout::database
