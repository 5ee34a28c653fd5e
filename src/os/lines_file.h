// LinesFile: JSON lines for people's data that must not be lost - archived columns, conflicts. Mode 0600.
//
// Written to "<path>.partial"; finish() makes it durable and gives it its name. Not finished: nothing is left.
#pragma once
#include <cstdio>
#include <memory>
#include <string>

#include "base/json.h"
#include "base/result.h"

namespace backout::os {

class LinesFile {
 public:
  static Result<LinesFile> create(const std::string& path);
  LinesFile(LinesFile&&) = default;
  LinesFile& operator=(LinesFile&&) = default;
  ~LinesFile();

  Result<void> add(const Json& line);
  int64_t lines() const { return lines_; }
  /// A file without lines is removed, an older one of that name too.
  Result<void> finish();

 private:
  LinesFile() = default;
  struct Close {
    void operator()(FILE* file) const { std::fclose(file); }
  };
  std::string path_;
  std::unique_ptr<FILE, Close> file_;
  int64_t lines_ = 0;
};

}  // namespace backout::os
