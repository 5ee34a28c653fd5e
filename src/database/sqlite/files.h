// What the database needs from the file system beside os/file.h: durable copies, links and renames of large files.
// Every call is durable when it returns (file and directory synced). All paths are of this machine.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace backout::database {

/// Lines for a person while something takes long.
using Progress = std::function<void(std::string_view line)>;

struct FileFacts {
  dev_t device = 0;
  ino_t inode = 0;
  uint64_t size = 0;
  mode_t mode = 0;  // permission bits
  uid_t owner = 0;
  gid_t group = 0;
  bool same_file(const FileFacts& other) const { return device == other.device && inode == other.inode; }
};
/// kNotFound, kDenied. Follows symlinks.
Result<FileFacts> facts_of(const std::string& path);

/// `path` without symlinks; kNotFound.
Result<std::string> real_path(const std::string& path);
std::string parent_of(const std::string& path);
std::string name_in_path(const std::string& path);

Result<void> sync_file(const std::string& path);
/// Bytes of `from` to the new file `to`, which has mode 0600 from its first moment. An older `to` is replaced in place,
/// so `to` is a temporary name. Shares blocks where the file system can. On any error `to` is removed.
Result<void> copy_file(const std::string& from, const std::string& to, const Progress& progress = {});
/// A second name for the file. There already as the same file is fine, as another one kConflict.
Result<void> link_file(const std::string& from, const std::string& to);
/// rename(2) and sync of the directory of `to`.
Result<void> rename_file(const std::string& from, const std::string& to);
Result<void> set_owner_and_mode(const std::string& path, const FileFacts& like);
/// kNoSpace, saying how much is missing, unless the file system of `directory` has room for `bytes` and 1 MiB more.
Result<void> require_space(const std::string& directory, uint64_t bytes, std::string_view for_what);
/// Removes the database and what SQLite may have left beside it (-journal, -wal, -shm).
void remove_database(const std::string& path);

/// Runs at the end of the scope unless dismissed: for temporary files.
class Cleanup {
 public:
  explicit Cleanup(std::function<void()> act) : act_(std::move(act)) {}
  Cleanup(const Cleanup&) = delete;
  Cleanup& operator=(const Cleanup&) = delete;
  ~Cleanup() {
    if (act_) act_();
  }
  void dismiss() { act_ = nullptr; }

 private:
  std::function<void()> act_;
};

}  // namespace backout::database
