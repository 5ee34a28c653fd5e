// RowsDirectory: rows with both sides, one file of JSON lines a table and a manifest that names each with its checksum.
// docs/formats/rows.md. The directory 0700, files 0600; the manifest is written last, so without it nothing is whole.
#pragma once
#include <functional>
#include <map>
#include <string>

#include "os/lines_file.h"

namespace backout::os {

class RowsDirectory {
 public:
  /// kConflict: something lies there already.
  static Result<RowsDirectory> create(const std::string& path, const std::string& kind);
  /// A line with its "table".
  Result<void> add(const Json& line);
  /// `more` goes into the manifest. {table: lines}.
  Result<Json> finish(const Json& more);

 private:
  std::string path_, kind_;
  std::map<std::string, std::pair<std::string, LinesFile>> files_;  // by table: name of the file
};

/// Lines of a directory as above, or of one such file, in order; of a rescue's conflicts and archive too. kNotFound.
/// kCorrupt: a line is none, or a file is not the one that the manifest names. kInvalid: rows of another kind of
/// database.
Result<void> each_row_line(const std::string& path, const std::string& kind,
                           const std::function<Result<void>(const Json& line)>& each);

}  // namespace backout::os
