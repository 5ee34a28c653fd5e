#include "journal/reserve.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <tuple>

#include "os/descriptor.h"
#include "os/file.h"

namespace backout::journal {
namespace {

/// Bytes that neither compress nor repeat: a file system that stores zeros for nothing would hold nothing back.
std::string noise(size_t size) {
  std::string bytes(size, '\0');
  uint64_t state = 0x9E3779B97F4A7C15ULL ^ static_cast<uint64_t>(::getpid());
  for (char& byte : bytes) {
    state ^= state << 13U;
    state ^= state >> 7U;
    state ^= state << 17U;
    byte = static_cast<char>(state & 0xFFU);
  }
  return bytes;
}

bool write_whole(int file, uint64_t size) {
  if (::posix_fallocate(file, 0, static_cast<off_t>(size)) != 0) return false;
  const std::string block = noise(64 * 1024);
  for (uint64_t at = 0; at < size;) {
    const ssize_t written =
        ::pwrite(file, block.data(), std::min<uint64_t>(block.size(), size - at), static_cast<off_t>(at));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    at += static_cast<uint64_t>(written);
  }
  return ::fsync(file) == 0;
}

}  // namespace

void Reserve::make() const {
  if (size_ == 0 || bytes() >= size_) return;
  const std::string directory = file_.substr(0, file_.rfind('/'));
  const Result<uint64_t> free = os::free_bytes(directory);
  if (!free || *free < 2 * size_) return;
  const os::Descriptor file(::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file.is_open()) return;
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) return;  // another process is making it
  if (!write_whole(file.get(), size_)) std::ignore = ::ftruncate(file.get(), 0);
  std::ignore = os::sync_directory(directory);
}

uint64_t Reserve::bytes() const {
  struct stat status {};
  if (::stat(file_.c_str(), &status) != 0) return 0;
  return std::min(static_cast<uint64_t>(status.st_size), static_cast<uint64_t>(status.st_blocks) * 512);
}

Result<void> Reserve::give_piece() const {
  const os::Descriptor file(::open(file_.c_str(), O_RDWR | O_CLOEXEC));
  if (!file.is_open()) return errno == ENOENT ? Result<void>() : errno_error(file_);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return errno_error(file_);
  const off_t left = std::max<off_t>(0, status.st_size - static_cast<off_t>(kPieceBytes));
  // Synced: some file systems give freed blocks to nobody before.
  if (::ftruncate(file.get(), left) != 0 || ::fsync(file.get()) != 0) return errno_error(file_);
  return {};
}

}  // namespace backout::journal
