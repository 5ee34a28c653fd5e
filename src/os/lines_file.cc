#include "os/lines_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "base/fault.h"
#include "os/file.h"

namespace backout::os {

Result<LinesFile> LinesFile::create(const std::string& path) {
  const std::string partial = path + ".partial";
  TRY_VOID(remove_file(partial));
  const int fd = ::open(partial.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return errno_error("creating " + partial);
  LinesFile out;
  out.path_ = path;
  out.file_.reset(::fdopen(fd, "w"));
  if (!out.file_) {
    ::close(fd);
    return Error{Code::kInternal, "no memory for " + path, ""};
  }
  return out;
}

LinesFile::~LinesFile() {
  if (file_) ::unlink((path_ + ".partial").c_str());
}

Result<void> LinesFile::add(const Json& line) {
  const std::string text = canonical(line) + "\n";
  if (std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size()) return errno_error("writing " + path_);
  ++lines_;
  return {};
}

Result<void> LinesFile::finish() {
  const std::string partial = path_ + ".partial";
  if (std::fflush(file_.get()) != 0) return errno_error("writing " + path_);
  if (!fault::sabotaged("fsync") && ::fsync(::fileno(file_.get())) != 0)
    return errno_error("writing " + path_ + " to disk");
  file_.reset();
  if (lines_ == 0) {
    TRY_VOID(remove_file(partial));
    return remove_file(path_);
  }
  if (std::rename(partial.c_str(), path_.c_str()) != 0) return errno_error("renaming " + partial);
  return sync_directory(std::filesystem::path(path_).parent_path().string());
}

}  // namespace backout::os
