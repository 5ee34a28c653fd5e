#include "config/file_text.h"

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "config/document.h"

namespace backout::config {

Result<std::string> file_text(const std::string& file) {
  std::error_code failure;
  const auto status = std::filesystem::status(file, failure);
  if (status.type() == std::filesystem::file_type::directory)
    return Error{Code::kInvalid, file + " is a directory", "name the file: -f FILE"};
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  if (!stream)
    return errno_error("reading " + file)
        .with_next("name it with -f FILE, or write one: docs/getting-started.md has one to begin with");
  std::string text(kLargestText + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad()) return errno_error("reading " + file);
  text.resize(static_cast<size_t>(stream.gcount()));
  return text;
}

}  // namespace backout::config
