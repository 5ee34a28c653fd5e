#include <algorithm>

#include "os/file.h"
#include "watch/access_log/log_files.h"

namespace backout::watch {
namespace {

constexpr uint64_t kLocalBudget = 4ULL << 30;  // the time of a look ends it sooner
constexpr size_t kLocalBlock = 256U << 10;     // stays in the cache of one core

class LocalLogBytes : public LogBytes {
 public:
  explicit LocalLogBytes(os::PlainFile file) : file_(std::move(file)) {}
  Result<os::FileSight> look() override { return file_.look(); }
  Result<size_t> read_at(uint64_t offset, char* into, size_t length) override {
    return file_.read_at(offset, into, length);
  }
  uint64_t data_from(uint64_t offset) override { return file_.data_from(offset); }

 private:
  os::PlainFile file_;
};

class LocalLogFiles : public LogFiles {
 public:
  explicit LocalLogFiles(std::string path) : path_(std::move(path)) {}

  Result<LogListing> list() override {
    LogListing listing;
    if (auto sight = os::look_at_file(path_))
      listing.current = {path_, *sight};
    else
      listing.why_not = std::move(sight).error();
    const size_t slash = path_.rfind('/');
    const std::string directory = slash == 0 ? "/" : path_.substr(0, slash);
    const auto names = os::list_directory(directory);
    if (!names) return listing;  // the log itself is what counts
    for (const std::string& name : *names) {
      if (!is_rotation_of(name, std::string_view(path_).substr(slash + 1))) continue;
      const std::string path = directory + "/" + name;
      if (auto sight = os::look_at_file(path)) listing.rotated.push_back({path, *sight});
    }
    std::stable_sort(listing.rotated.begin(), listing.rotated.end(),
                     [](const LogName& a, const LogName& b) { return a.sight.modified_ms < b.sight.modified_ms; });
    if (listing.rotated.size() > kMostRotated)
      listing.rotated.erase(listing.rotated.begin(), listing.rotated.end() - kMostRotated);
    return listing;
  }

  Result<std::unique_ptr<LogBytes>> open(const LogName& name, uint64_t /*near*/) override {
    os::PlainFile file = TRY(os::PlainFile::open(name.path));
    const os::FileSight sight = TRY(file.look());
    if (sight.device != name.sight.device || sight.inode != name.sight.inode)
      return Error{Code::kNotFound, name.path + " is another file by now", ""};
    return std::make_unique<LocalLogBytes>(std::move(file));
  }

  uint64_t budget() const override { return kLocalBudget; }
  size_t block() const override { return kLocalBlock; }

 private:
  std::string path_;
};

}  // namespace

bool is_rotation_of(std::string_view name, std::string_view base) {
  if (name.ends_with(".gz")) name.remove_suffix(3);
  if (name == base) return false;
  const size_t dot = base.rfind('.');  // "access-20251010.log" is of "access.log" too
  if (name.starts_with(base)) {
    name.remove_prefix(base.size());
  } else if (dot != std::string_view::npos && dot > 0 && name.starts_with(base.substr(0, dot)) &&
             name.size() > base.size() && name.ends_with(base.substr(dot))) {
    name = name.substr(dot, name.size() - base.size());
  } else {
    return false;
  }
  if (name.size() < 2 || (name[0] != '.' && name[0] != '-' && name[0] != '_')) return false;
  if (name == ".old" || name == ".orig") return true;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_' || c == ':' || c == 'T' || c == 'Z';
  });
}

std::unique_ptr<LogFiles> make_local_log_files(std::string path) {
  return std::make_unique<LocalLogFiles>(std::move(path));
}

}  // namespace backout::watch
