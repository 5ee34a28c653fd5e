#include "database/postgresql/dump_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "os/descriptor.h"
#include "os/file.h"

namespace backout::postgresql {
namespace {

Result<void> sync_dump_file(const std::string& path) {
  const os::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file.is_open()) return errno_error(path);
  if (::fchmod(file.get(), 0600) != 0) return errno_error("setting the mode of " + path);
  if (::fsync(file.get()) != 0) return errno_error("writing " + path + " to disk");
  return {};
}

bool is_plain_file(const std::string& path) {
  struct stat facts {};
  return ::lstat(path.c_str(), &facts) == 0 && S_ISREG(facts.st_mode);
}

}  // namespace

Result<std::map<std::string, DumpFile>> measure_dump(const std::string& directory) {
  std::map<std::string, DumpFile> files;
  const auto names = TRY(os::list_directory(directory));
  for (const std::string& name : names) {
    const std::string path = directory + "/" + name;
    if (!is_plain_file(path)) return Error{Code::kCorrupt, path + " is no file of a dump", ""};
    const std::string sha256 = TRY(os::sha256_of_file(path));
    files[name] = {TRY(os::size_of(path)), sha256};
  }
  return files;
}

Result<void> check_dump(const std::string& directory, const Manifest& manifest) {
  const auto corrupt = [&](const std::string& what) {
    return Error{Code::kCorrupt, "the dump " + directory + ": " + what, "use an older checkpoint: backout releases"};
  };
  if (!os::exists(directory)) return Error{Code::kNotFound, "there is no " + directory, ""};
  const auto names = TRY(os::list_directory(directory));
  for (const std::string& name : names)
    if (!manifest.files.contains(name)) return corrupt(name + " is not in its manifest");
  for (const auto& [name, wanted] : manifest.files) {  // sizes first: they are at hand
    const std::string path = directory + "/" + name;
    if (!is_plain_file(path)) return corrupt(name + " is missing");
    if (const uint64_t size = TRY(os::size_of(path)); size != wanted.size)
      return corrupt(fmt::format("{} has {} bytes, the manifest says {}", name, size, wanted.size));
  }
  for (const auto& [name, wanted] : manifest.files)
    if (TRY(os::sha256_of_file(directory + "/" + name)) != wanted.sha256)
      return corrupt(name + " is damaged: it is not the file that was written");
  return {};
}

Result<void> settle_dump(const std::string& directory) {
  const auto names = TRY(os::list_directory(directory));
  for (const std::string& name : names) TRY_VOID(sync_dump_file(directory + "/" + name));
  if (::chmod(directory.c_str(), 0700) != 0) return errno_error("setting the mode of " + directory);
  return os::sync_directory(directory);
}

Result<void> name_dump(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return errno_error("renaming " + from);
  return os::sync_directory(parent_of(to));
}

bool looks_like_dump(const std::string& directory) {
  const auto names = os::list_directory(directory);
  if (!names) return false;
  for (const std::string& name : *names) {
    const std::string_view stem = std::string_view(name).substr(0, name.find('.'));
    const bool data =
        !stem.empty() && (stem.find_first_not_of("0123456789") == std::string_view::npos || stem.starts_with("blob"));
    if (name != "toc.dat" && !data) return false;
  }
  return true;
}

std::string parent_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

Result<void> require_space(const std::string& directory, uint64_t bytes, std::string_view for_what) {
  const uint64_t need = bytes + (1U << 20), free = TRY(os::free_bytes(directory));
  if (free >= need) return {};
  return Error{Code::kNoSpace,
               fmt::format("{} needs about {} in {}, {} are free; nothing was changed", for_what,
                           bytes_for_people(need), directory, bytes_for_people(free)),
               "make room there and try again"};
}

}  // namespace backout::postgresql
