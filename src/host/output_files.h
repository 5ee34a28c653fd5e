// OutputFiles: the output of an attempt on this machine, read from its files while they grow. Not thread-safe.
//
// They are asked again every few milliseconds: closing an inotify descriptor waits for the whole kernel (17 ms seen),
// which is longer than a short attempt.
#pragma once
#include <functional>
#include <string>

#include "host/shim.h"
#include "os/descriptor.h"

namespace backout::host {

class OutputFiles {
 public:
  /// REQUIRES: the attempt has started, so that its files exist. `limit` bytes of each are kept.
  OutputFiles(std::string directory, size_t limit);

  /// Takes over what is new, and gives it to `listener`.
  void read_new(const std::function<void(std::string_view)>& listener);
  /// Waits until the files grow no more, but not long: a daemon that holds the pipes may never let go. Call at the end.
  void settle(const std::function<void(std::string_view)>& listener);

  Kept out, err;

 private:
  void read_one(os::Descriptor& file, const char* name, Kept& kept,
                const std::function<void(std::string_view)>& listener);

  std::string directory_;
  size_t limit_;
  os::Descriptor out_file_, err_file_;
};

}  // namespace backout::host
