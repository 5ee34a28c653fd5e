// Eyes: bounded reading of files that may be missing, forbidden or far too large. Collects what was forbidden.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "init/facts.h"

namespace backout::init {

class Eyes {
 public:
  /// `root` is put before absolute paths of the system.
  explicit Eyes(std::string root) : root_(std::move(root)) {}

  std::optional<std::string> text(const std::string& path, size_t limit = 256U << 10);
  std::vector<std::string> names(const std::string& path);
  bool is_directory(const std::string& path) const;
  bool is_file(const std::string& path) const;
  /// What a symlink says, or empty.
  static std::string link(const std::string& path);
  /// Without symlinks; the path itself when that cannot be told.
  static std::string resolved(const std::string& path);

  /// The same for a place of the system: the path is the host's, the facts hold it so.
  std::vector<FileFact> system_files(const std::string& directory, const std::vector<std::string>& endings);
  std::optional<FileFact> system_file(const std::string& path);
  std::string at(const std::string& system_path) const { return root_ + system_path; }

  std::vector<std::string> unread;

 private:
  void note(const std::string& path, const std::string& why);
  std::string root_;
  size_t bytes_left_ = 16U << 20;
};

}  // namespace backout::init
