#include "database/archive/find.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "os/file.h"

namespace backout::archive {
namespace {

constexpr std::array kBeside = {".manifest.json", ".verified.json", ".habits.json", ".partial", ".scratch",
                                ".tmp",           ".sha256",        ".sha512",      ".md5",     ".sig",
                                ".asc",           "-wal",           "-shm",         "-journal", ".log",
                                ".part",          ".sha1",          ".sha256sum"};

/// Files that lie beside backups and are none.
bool is_beside(const std::string& name) {
  return name.starts_with('.') || name.find(".partial-") != std::string::npos ||
         std::any_of(kBeside.begin(), kBeside.end(), [&](const char* end) { return name.ends_with(end); });
}

WallTime written(const struct stat& facts) {
  return wall_from_millis(int64_t{facts.st_mtim.tv_sec} * 1000 + facts.st_mtim.tv_nsec / 1'000'000);
}

std::string identity_of(const struct stat& facts) {
  return fmt::format("{}:{}:{}.{:09}:{}.{:09}", facts.st_ino, facts.st_size, facts.st_mtim.tv_sec,
                     facts.st_mtim.tv_nsec, facts.st_ctim.tv_sec, facts.st_ctim.tv_nsec);
}

/// What stands at the path is no file, and why that is no backup.
std::string no_file(mode_t mode, const std::string& path) {
  if (S_ISLNK(mode)) {
    std::string target(4096, '\0');
    const ssize_t length = ::readlink(path.c_str(), target.data(), target.size());
    target.resize(length < 0 ? 0 : static_cast<size_t>(length));
    return "a symlink to " + shortened(one_line(target), 200) + ": symlinks are not followed";
  }
  if (S_ISFIFO(mode)) return "a FIFO, not a file";
  if (S_ISSOCK(mode)) return "a socket, not a file";
  if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device, not a file";
  return "not a file";
}

/// Is a symlink only another name for something in the directory itself?
bool leads_into(const std::string& link, const std::string& directory) {
  const auto real = [](const std::string& path) {
    char* resolved = ::realpath(path.c_str(), nullptr);
    std::string text = resolved == nullptr ? "" : resolved;
    std::free(resolved);
    return text;
  };
  const std::string target = real(link), home = real(directory);
  return !target.empty() && target.substr(0, target.rfind('/')) == home;
}

/// pg_dump --format=directory: a directory with toc.dat in it.
bool look_into_directory(Found& found) {
  struct stat toc {};
  if (::lstat((found.path + "/toc.dat").c_str(), &toc) != 0) return false;
  found.kind = Kind::kPgDirectory;
  found.written_at = written(toc);
  if (!S_ISREG(toc.st_mode)) found.fault = "toc.dat: " + no_file(toc.st_mode, found.path + "/toc.dat");
  const auto names = os::list_directory(found.path);
  if (!names) {
    found.fault = names.error().message;
    return true;
  }
  std::string identity;
  for (const std::string& name : *names) {
    struct stat part {};
    if (::lstat((found.path + "/" + name).c_str(), &part) != 0) continue;
    found.size += static_cast<uint64_t>(part.st_size);
    found.written_at = std::max(found.written_at, written(part));
    identity += identity_of(part) + ";";
    if (!S_ISREG(part.st_mode) && found.fault.empty())
      found.fault = name + ": " + no_file(part.st_mode, found.path + "/" + name);
  }
  found.identity = identity;
  return true;
}

void look_at_head(Found& found) {
  const int fd = ::open(found.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) {
    found.fault = errno_error("it cannot be opened").message;
    return;
  }
  struct stat facts {};
  if (::fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode)) {
    found.fault = "it was replaced while it was looked at";
    ::close(fd);
    return;
  }
  found.size = static_cast<uint64_t>(facts.st_size);
  found.written_at = written(facts);
  found.identity = identity_of(facts);
  std::string head(kHead, '\0');
  const ssize_t length = ::pread(fd, head.data(), head.size(), 0);
  if (length < 0) found.fault = errno_error("it cannot be read").message;
  ::close(fd);
  head.resize(length < 0 ? 0 : static_cast<size_t>(length));
  found.packing = packing_of(head);
  if (found.packing == Packing::kNone) found.kind = kind_of(head);
  if (found.packing == Packing::kOther) found.fault = "packed by something that is not read here";
  if (found.size == 0) found.fault = "it is empty (0 bytes)";
}

}  // namespace

Result<std::vector<Found>> find_archives(const std::string& directory, const std::string& match) {
  std::vector<Found> all;
  for (const std::string& name : TRY(os::list_directory(directory).with_context("looking for backups"))) {
    if (is_beside(name)) continue;
    if (!match.empty() && ::fnmatch(match.c_str(), name.c_str(), FNM_PERIOD) != 0) continue;
    Found found{.path = directory + "/" + name, .name = name};
    struct stat facts {};
    if (::lstat(found.path.c_str(), &facts) != 0) {
      if (errno == ENOENT) continue;  // gone between the two looks
      found.fault = errno_error("it cannot be looked at").message;
    } else if (S_ISREG(facts.st_mode)) {
      look_at_head(found);
    } else if (S_ISDIR(facts.st_mode)) {
      if (!look_into_directory(found)) continue;
    } else {
      if (S_ISLNK(facts.st_mode) && leads_into(found.path, directory)) continue;  // "latest": the file itself is listed
      found.written_at = written(facts);
      found.fault = no_file(facts.st_mode, found.path);
    }
    found.when = taken(name, found.written_at);
    all.push_back(std::move(found));
  }
  std::stable_sort(all.begin(), all.end(), [](const Found& a, const Found& b) { return a.when.at > b.when.at; });
  return all;
}

}  // namespace backout::archive
