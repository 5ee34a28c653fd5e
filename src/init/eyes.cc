#include "init/eyes.h"

#include <algorithm>
#include <filesystem>

#include "os/file.h"

namespace backout::init {

namespace fs = std::filesystem;

void Eyes::note(const std::string& path, const std::string& why) {
  if (unread.size() < 20) unread.push_back(path.substr(path.starts_with(root_) ? root_.size() : 0) + ": " + why);
}

std::optional<std::string> Eyes::text(const std::string& path, size_t limit) {
  std::error_code failure;
  const uintmax_t size = fs::file_size(path, failure);
  if (failure || size > limit || size > bytes_left_ || !fs::is_regular_file(path, failure)) {
    if (failure == std::errc::permission_denied) note(path, "permission denied");
    return std::nullopt;
  }
  auto text = os::read_file(path, limit);
  if (!text) {
    if (text.error().code == Code::kDenied) note(path, "permission denied");
    return std::nullopt;
  }
  bytes_left_ -= std::min(bytes_left_, text->size());
  return std::move(*text);
}

std::vector<std::string> Eyes::names(const std::string& path) {
  auto names = os::list_directory(path);
  if (names) return std::move(*names);
  if (names.error().code == Code::kDenied) note(path, "permission denied");
  return {};
}

bool Eyes::is_directory(const std::string& path) const {
  std::error_code failure;
  return fs::is_directory(path, failure);
}

bool Eyes::is_file(const std::string& path) const {
  std::error_code failure;
  return fs::is_regular_file(path, failure);
}

std::string Eyes::link(const std::string& path) {
  std::error_code failure;
  const fs::path target = fs::read_symlink(path, failure);
  return failure ? "" : target.string();
}

std::string Eyes::resolved(const std::string& path) {
  std::error_code failure;
  const fs::path real = fs::canonical(path, failure);
  return failure ? path : real.string();
}

std::vector<FileFact> Eyes::system_files(const std::string& directory, const std::vector<std::string>& endings) {
  std::vector<FileFact> files;
  for (const std::string& name : names(at(directory))) {
    if (name.starts_with('.') || name.ends_with('~') || name.ends_with(".dpkg-dist")) continue;
    const bool fits = endings.empty() || std::any_of(endings.begin(), endings.end(),
                                                     [&](const std::string& ending) { return name.ends_with(ending); });
    if (!fits || files.size() >= 500) continue;
    if (auto file = system_file(directory + "/" + name)) files.push_back(std::move(*file));
  }
  return files;
}

std::optional<FileFact> Eyes::system_file(const std::string& path) {
  auto text = this->text(at(path));
  if (!text) return std::nullopt;
  return FileFact{path, std::move(*text)};
}

}  // namespace backout::init
