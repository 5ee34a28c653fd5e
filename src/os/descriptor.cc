#include "os/descriptor.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <cerrno>

namespace backout::os {
namespace {

int above_standard(int number) {
  if (number > STDERR_FILENO) return number;
  const int moved = fcntl(number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  ::close(number);
  return moved;
}

}  // namespace

Result<Pipe> make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return errno_error("making a pipe");
  Pipe pipe{Descriptor(above_standard(ends[0])), Descriptor(above_standard(ends[1]))};
  if (!pipe.read.is_open() || !pipe.write.is_open()) return errno_error("making a pipe");
  return pipe;
}

Result<Descriptor> in_memory(std::string_view text) {
  Descriptor file(above_standard(memfd_create("backout", MFD_CLOEXEC)));
  if (!file.is_open()) return errno_error("making a file in memory");
  while (!text.empty()) {
    const ssize_t wrote = write(file.get(), text.data(), text.size());
    if (wrote < 0 && errno != EINTR) return errno_error("writing a file in memory");
    if (wrote > 0) text.remove_prefix(static_cast<size_t>(wrote));
  }
  if (lseek(file.get(), 0, SEEK_SET) != 0) return errno_error("reading a file in memory");
  return file;
}

void set_nonblocking(const Descriptor& descriptor) {
  const int flags = fcntl(descriptor.get(), F_GETFL);
  fcntl(descriptor.get(), F_SETFL, flags | O_NONBLOCK);
}

}  // namespace backout::os
