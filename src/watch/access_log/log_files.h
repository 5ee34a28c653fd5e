// LogFiles: a log and what rotation has made of it, here or on another host: names, identities, bytes by place.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/host.h"
#include "os/plain_file.h"

namespace backout::watch {

struct LogName {
  std::string path;
  os::FileSight sight;
};
struct LogListing {
  std::optional<LogName> current;
  Error why_not;                 // no current: why
  std::vector<LogName> rotated;  // oldest first, by the time of the last change; at most kMostRotated, the newest
};
inline constexpr size_t kMostRotated = 128;

class LogBytes {
 public:
  virtual ~LogBytes() = default;
  /// As it is now: of the file that was opened, whatever its name is by now.
  virtual Result<os::FileSight> look() = 0;
  /// Fewer than `length` only at the end.
  virtual Result<size_t> read_at(uint64_t offset, char* into, size_t length) = 0;
  virtual uint64_t data_from(uint64_t offset) { return offset; }
};

class LogFiles {
 public:
  virtual ~LogFiles() = default;
  /// Errors: the host does not answer. A log that is missing or cannot be read is a listing that says so.
  virtual Result<LogListing> list() = 0;
  /// The file that was listed; kNotFound when the name is another's by now. `near`: where will be read, if it is known.
  virtual Result<std::unique_ptr<LogBytes>> open(const LogName& name, uint64_t near = 0) = 0;
  /// Bytes that may be read at a look.
  virtual uint64_t budget() const = 0;
  /// Bytes that are best read at once.
  virtual size_t block() const = 0;
};

/// "access.log-20251010.gz" is one that rotation made of "access.log"; "access.log.bak" is not.
bool is_rotation_of(std::string_view name, std::string_view base);

std::unique_ptr<LogFiles> make_local_log_files(std::string path);
/// By small commands; `host` must outlive it.
std::unique_ptr<LogFiles> make_remote_log_files(std::string path, host::Host& host, std::stop_token stop);

}  // namespace backout::watch
