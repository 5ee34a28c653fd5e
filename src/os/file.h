// Files: atomic replacement, symlinks, directories. Every write is durable when the call returns (file and directory
// synced) or the error says why. All paths are of this machine. Thread-safe.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace backout::os {

/// Whole content; kNotFound, kDenied. `limit` bytes at most, else kInvalid.
Result<std::string> read_file(const std::string& path, size_t limit = 256U << 20);
/// Temporary file beside it, fsync, rename, fsync of the directory. `mode` such as 0600.
Result<void> write_file_atomic(const std::string& path, std::string_view content, unsigned mode = 0644);
/// The same for a file that people name: a symlink stays and what it leads to is replaced, or made. kRefused when there
/// is something else than a file (a device, a directory), or when links lead in a circle.
Result<void> write_through(const std::string& path, std::string_view content, unsigned mode = 0644);
/// New symlink beside it, rename over, fsync of the directory.
Result<void> replace_symlink(const std::string& link, const std::string& target);
/// mkdir -p with `mode` for the directories it makes, each synced into its parent.
Result<void> make_directories(const std::string& path, unsigned mode = 0755);
bool exists(const std::string& path);
Result<uint64_t> free_bytes(const std::string& path);
Result<uint64_t> size_of(const std::string& path);
Result<void> sync_directory(const std::string& path);
Result<void> remove_file(const std::string& path);  // gone already is fine
Result<void> remove_tree(const std::string& path);  // refuses "/" and relative paths
/// Names in a directory, sorted, without . and ..
Result<std::vector<std::string>> list_directory(const std::string& path);
Result<std::string> sha256_of_file(const std::string& path);

}  // namespace backout::os
