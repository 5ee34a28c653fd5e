#include "database/sqlite/files.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>

#include "base/fault.h"
#include "base/text.h"
#include "os/file.h"

namespace backout::database {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

Result<void> sync_descriptor(int fd, const std::string& path) {
  if (fault::sabotaged("fsync")) return {};
  if (::fsync(fd) != 0) return errno_error("writing " + path + " to disk");
  return {};
}

Result<void> copy_bytes(int in, int out, uint64_t size, const std::string& to, const Progress& progress) {
  if (::ioctl(out, FICLONE, in) == 0) return {};
  uint64_t done = 0, said = 0;
  std::string buffer;
  while (true) {
    ssize_t n = buffer.empty() ? ::copy_file_range(in, nullptr, out, nullptr, 8U << 20, 0) : -1;
    if (n < 0 && buffer.empty() && errno != EXDEV && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
      return errno_error("writing " + to);
    if (n < 0) {
      buffer.resize(1U << 20);
      n = ::read(in, buffer.data(), buffer.size());
      if (n < 0) return errno_error("reading for " + to);
      for (ssize_t written = 0; written < n;) {
        const ssize_t w = ::write(out, buffer.data() + written, static_cast<size_t>(n - written));
        if (w < 0) return errno_error("writing " + to);
        written += w;
      }
    }
    if (n == 0) return {};
    done += static_cast<uint64_t>(n);
    if (progress && done - said > (256U << 20)) {
      said = done;
      progress("copied " + bytes_for_people(done) + " of " + bytes_for_people(size));
    }
  }
}

}  // namespace

Result<FileFacts> facts_of(const std::string& path) {
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0) return errno_error(path);
  return FileFacts{st.st_dev, st.st_ino, static_cast<uint64_t>(st.st_size), st.st_mode & 07777U, st.st_uid, st.st_gid};
}

Result<std::string> real_path(const std::string& path) {
  char resolved[PATH_MAX];
  if (::realpath(path.c_str(), resolved) == nullptr) return errno_error(path);
  return std::string(resolved);
}

std::string parent_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string name_in_path(const std::string& path) { return path.substr(path.rfind('/') + 1); }

Result<void> sync_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return errno_error(path);
  return sync_descriptor(file.get(), path);
}

Result<void> copy_file(const std::string& from, const std::string& to, const Progress& progress) {
  const Descriptor in(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (in.get() < 0) return errno_error(from);
  struct stat st {};
  if (::fstat(in.get(), &st) != 0) return errno_error(from);
  TRY_VOID(os::remove_file(to));
  const Descriptor out(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (out.get() < 0) return errno_error(to);
  auto copied = copy_bytes(in.get(), out.get(), static_cast<uint64_t>(st.st_size), to, progress);
  if (copied) copied = sync_descriptor(out.get(), to);
  if (!copied) ::unlink(to.c_str());
  return copied;
}

Result<void> link_file(const std::string& from, const std::string& to) {
  if (::link(from.c_str(), to.c_str()) != 0) {
    if (errno != EEXIST) return errno_error("linking " + from + " as " + to);
    const auto first = TRY(facts_of(from)), second = TRY(facts_of(to));
    if (!first.same_file(second))
      return Error{Code::kConflict, to + " exists and is another file", "move it away and try again"};
  }
  return os::sync_directory(parent_of(to));
}

Result<void> rename_file(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return errno_error("renaming " + from + " to " + to);
  return os::sync_directory(parent_of(to));
}

Result<void> set_owner_and_mode(const std::string& path, const FileFacts& like) {
  const auto now = TRY(facts_of(path));
  if ((now.owner != like.owner || now.group != like.group) && ::chown(path.c_str(), like.owner, like.group) != 0)
    return errno_error("giving " + path + " the owner of the file it replaces");
  if (::chmod(path.c_str(), like.mode) != 0) return errno_error("setting the mode of " + path);
  return {};
}

Result<void> require_space(const std::string& directory, uint64_t bytes, std::string_view for_what) {
  const uint64_t need = bytes + (1U << 20), free = TRY(os::free_bytes(directory));
  if (free >= need) return {};
  return Error{Code::kNoSpace,
               std::string(for_what) + " needs " + bytes_for_people(need) + " in " + directory + ", " +
                   bytes_for_people(free) + " are free; nothing was changed",
               "make room there and try again"};
}

void remove_database(const std::string& path) {
  for (const char* suffix : {"", "-journal", "-wal", "-shm"}) ::unlink((path + suffix).c_str());
}

}  // namespace backout::database
