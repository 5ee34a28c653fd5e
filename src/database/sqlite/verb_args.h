// What the verbs of the tool share: reading their arguments, and saying what a look saw.
#pragma once
#include "base/json.h"
#include "database/sqlite/files.h"
#include "database/sqlite/manifest.h"

namespace backout::database {

inline Result<std::string> need(const Json& args, const std::string& key) {
  const std::string value = get_string(args, key);
  if (value.empty()) return Error{Code::kInvalid, "the argument '" + key + "' is missing", ""};
  return value;
}

inline Result<std::string> need_path(const Json& args, const std::string& key) {
  std::string path = TRY(need(args, key));
  if (path.front() != '/')
    return Error{Code::kInvalid, "the argument '" + key + "' must be an absolute path: " + path, ""};
  return path;
}

/// The live file without symlinks: SQLite puts -wal and -journal beside the real one, and a rename must replace that.
inline Result<std::string> live_file(const Json& args, const std::string& key = "file") {
  return real_path(TRY(need_path(args, key)));
}

inline Result<Manifest> manifest_of(const Json& args) {
  return load_manifest(TRY(need_path(args, "manifest")), get_string(args, "manifest_sha256"));
}

inline Json sight(bool holds, const std::string& why, const Json& evidence = Json::object()) {
  return {{"sight", holds ? "holds" : "does-not-hold"}, {"why", why}, {"evidence", evidence}};
}

/// A check that says by its error why it is not so.
inline Json sight_of(const Result<void>& check, const std::string& why_so) {
  return sight(check.has_value(), check ? why_so : check.error().message);
}

}  // namespace backout::database
