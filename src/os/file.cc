#include "os/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>

#include "base/fault.h"
#include "base/hash.h"
#include "base/ids.h"
#include "base/text.h"
#include "os/descriptor.h"

namespace backout::os {
namespace {

constexpr size_t kChunk = 1 << 16;

Error file_error(std::string_view doing, const std::string& path, int number = errno) {
  return errno_error(std::string(doing) + " " + one_line(path), number);
}

std::string parent_of(const std::string& path) {
  const size_t last = path.find_last_not_of('/');
  if (last == std::string::npos) return path.empty() ? "." : "/";
  const size_t slash = path.find_last_of('/', last);
  if (slash == std::string::npos) return ".";
  const size_t end = path.find_last_not_of('/', slash);
  return end == std::string::npos ? "/" : path.substr(0, end + 1);
}

Result<void> sync_file(const Descriptor& file, const std::string& path) {
  if (fault::sabotaged("fsync")) return {};
  if (fsync(file.get()) != 0) return file_error("making durable", path);
  return {};
}

Result<void> write_all(const Descriptor& file, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t wrote = write(file.get(), content.data(), content.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return file_error("writing", path);
    content.remove_prefix(static_cast<size_t>(wrote));
  }
  return {};
}

/// Calls `take` with each piece of the file.
template <class Take>
Result<void> each_chunk(const std::string& path, const Take& take) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return file_error("reading", path);
  std::array<char, kChunk> buffer;
  for (;;) {
    const ssize_t got = read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_error("reading", path);
    if (got == 0) return {};
    TRY_VOID(take(std::string_view(buffer.data(), static_cast<size_t>(got))));
  }
}

/// A name beside `path` that nobody else has.
std::string name_beside(const std::string& path) { return path + ".new-" + random_hex(6); }

Result<void> rename_into_place(const std::string& from, const std::string& path) {
  if (rename(from.c_str(), path.c_str()) == 0) return sync_directory(parent_of(path));
  Error error = file_error("replacing", path);
  unlink(from.c_str());
  return error;
}

}  // namespace

Result<std::string> read_file(const std::string& path, size_t limit) {
  std::string content;
  TRY_VOID(each_chunk(path, [&](std::string_view chunk) -> Result<void> {
    if (content.size() + chunk.size() > limit)
      return Error{Code::kInvalid,
                   fmt::format("{} is larger than the {} that are read", one_line(path), bytes_for_people(limit)), ""};
    content += chunk;
    return {};
  }));
  return content;
}

Result<void> write_file_atomic(const std::string& path, std::string_view content, unsigned mode) {
  const std::string fresh = name_beside(path);
  Descriptor file(open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.is_open()) return file_error("writing", path);
  auto written = [&]() -> Result<void> {
    TRY_VOID(write_all(file, content, path));
    if (fchmod(file.get(), static_cast<mode_t>(mode)) != 0) return file_error("setting the mode of", path);
    return sync_file(file, path);
  }();
  file.close();
  if (!written) {
    unlink(fresh.c_str());
    return written;
  }
  return rename_into_place(fresh, path);
}

namespace {

/// Where the links of `path` end, whether something is there or not.
Result<std::string> end_of_links(std::string path) {
  constexpr int kMost = 40;  // as the kernel
  for (int i = 0; i < kMost; ++i) {
    std::error_code failure;
    const std::filesystem::path target = std::filesystem::read_symlink(path, failure);
    if (failure) return path;
    path = target.is_absolute() ? target.string() : parent_of(path) + "/" + target.string();
  }
  return Error{Code::kRefused, one_line(path) + " leads through too many symbolic links", "name the file itself"};
}

}  // namespace

Result<void> write_through(const std::string& path, std::string_view content, unsigned mode) {
  const std::string file = TRY(end_of_links(path));
  struct stat info {};
  if (lstat(file.c_str(), &info) == 0 && !S_ISREG(info.st_mode))
    return Error{
        Code::kRefused,
        one_line(path) + (S_ISDIR(info.st_mode) ? " is a directory" : " is no regular file") + ", and is left as it is",
        "name a file"};
  return write_file_atomic(file, content, mode);
}

Result<void> replace_symlink(const std::string& link, const std::string& target) {
  struct stat info {};
  if (lstat(link.c_str(), &info) == 0 && !S_ISLNK(info.st_mode))
    return Error{Code::kConflict, one_line(link) + " is not a symbolic link",
                 "move it away, or name another path in backout.yaml"};
  const std::string fresh = name_beside(link);
  if (symlink(target.c_str(), fresh.c_str()) != 0) return file_error("making a link beside", link);
  return rename_into_place(fresh, link);
}

Result<void> make_directories(const std::string& path, unsigned mode) {
  struct stat info {};
  if (stat(path.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) return {};
    return file_error("making directory", path, ENOTDIR);
  }
  if (errno != ENOENT) return file_error("making directory", path);
  const std::string parent = parent_of(path);
  if (parent != path) TRY_VOID(make_directories(parent, mode));
  if (mkdir(path.c_str(), static_cast<mode_t>(mode)) != 0) {
    if (errno == EEXIST) return make_directories(path, mode);  // somebody else was quicker
    return file_error("making directory", path);
  }
  if (chmod(path.c_str(), static_cast<mode_t>(mode)) != 0) return file_error("setting the mode of", path);
  return sync_directory(parent);
}

bool exists(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0;
}

Result<uint64_t> free_bytes(const std::string& path) {
  struct statvfs info {};
  if (statvfs(path.c_str(), &info) != 0) return file_error("looking at the free space of", path);
  return uint64_t{info.f_bavail} * info.f_frsize;
}

Result<uint64_t> size_of(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return file_error("looking at", path);
  return static_cast<uint64_t>(info.st_size);
}

Result<void> sync_directory(const std::string& path) {
  const Descriptor directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.is_open()) return file_error("making durable", path);
  return sync_file(directory, path);
}

Result<void> remove_file(const std::string& path) {
  if (unlink(path.c_str()) == 0) return sync_directory(parent_of(path));
  if (errno == ENOENT) return {};
  return file_error("removing", path);
}

Result<void> remove_tree(const std::string& path) {
  const std::string normal = std::filesystem::path(path).lexically_normal().string();
  if (normal.empty() || normal[0] != '/' || normal.find_first_not_of('/') == std::string::npos)
    return Error{Code::kInvalid, "refusing to remove '" + one_line(path) + "': not an absolute path below /", ""};
  std::error_code failure;
  if (!std::filesystem::exists(std::filesystem::symlink_status(normal, failure))) return {};
  std::filesystem::remove_all(normal, failure);
  if (failure) return file_error("removing", path, failure.value());
  return sync_directory(parent_of(normal));
}

Result<std::vector<std::string>> list_directory(const std::string& path) {
  DIR* const directory = opendir(path.c_str());
  if (directory == nullptr) return file_error("listing", path);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = readdir(directory)) {
    const std::string_view name(entry->d_name);
    if (name != "." && name != "..") names.emplace_back(name);
  }
  const int failure = errno;
  closedir(directory);
  if (failure != 0) return file_error("listing", path, failure);
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::string> sha256_of_file(const std::string& path) {
  Sha256 hash;
  TRY_VOID(each_chunk(path, [&](std::string_view chunk) -> Result<void> {
    hash.update(chunk);
    return {};
  }));
  return hash.hex();
}

}  // namespace backout::os
