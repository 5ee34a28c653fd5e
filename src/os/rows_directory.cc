#include "os/rows_directory.h"

#include <fstream>

#include "base/text.h"
#include "os/file.h"

namespace backout::os {
namespace {

constexpr int kFormat = 1;
constexpr const char* kManifest = "manifest.json";

/// "public_orders.jsonl", unlike all that are there.
std::string file_for(const std::string& table, size_t number) {
  std::string name;
  for (const char c : table) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                       c == '-' || (c == '.' && !name.empty());
    name += plain ? c : '_';
  }
  const bool same = name == table && name.size() < 100 && !name.empty();
  return (same ? name : shortened(name, 80) + "-" + std::to_string(number)) + ".jsonl";
}

Result<void> lines_of(const std::string& path, const std::function<Result<void>(const Json& line)>& each) {
  std::ifstream in(path);
  if (!in) return Error{Code::kNotFound, "there is no " + path, ""};
  int64_t number = 0;
  for (std::string text; std::getline(in, text);) {
    const std::string where = path + ", line " + std::to_string(++number);
    if (trimmed(text).empty()) continue;
    const Json line = TRY(parse_json(text).with_context(where));
    if (!get(line, "table").is_string())
      return Error{Code::kCorrupt, where + ": it names no table", "name a file that backout wrote, or its directory"};
    TRY_VOID(each(line).with_context(where));
  }
  return {};
}

}  // namespace

Result<RowsDirectory> RowsDirectory::create(const std::string& path, const std::string& kind) {
  if (const auto names = list_directory(path); exists(path) && (!names || !names->empty()))
    return Error{Code::kConflict, "something lies at " + path + " already", "name a directory that is not there yet"};
  TRY_VOID(make_directories(path, 0700));
  RowsDirectory directory;
  directory.path_ = path;
  directory.kind_ = kind;
  return directory;
}

Result<void> RowsDirectory::add(const Json& line) {
  const std::string table = get_string(line, "table");
  auto found = files_.find(table);
  if (found == files_.end()) {
    const std::string name = file_for(table, files_.size() + 1);
    found = files_.emplace(table, std::pair(name, TRY(LinesFile::create(path_ + "/" + name)))).first;
  }
  return found->second.second.add(line);
}

Result<Json> RowsDirectory::finish(const Json& more) {
  Json tables = Json::object(), lines = Json::object();
  for (auto& [table, file] : files_) {
    TRY_VOID(file.second.finish());
    const std::string sha256 = TRY(sha256_of_file(path_ + "/" + file.first));
    tables[table] = {{"file", file.first}, {"lines", file.second.lines()}, {"sha256", sha256}};
    lines[table] = file.second.lines();
  }
  Json manifest = more;
  manifest["format"] = kFormat;
  manifest["kind"] = kind_;
  manifest["tables"] = tables;
  TRY_VOID(write_file_atomic(path_ + "/" + kManifest, canonical(manifest) + "\n", 0600));
  return lines;
}

Result<void> each_row_line(const std::string& path, const std::string& kind,
                           const std::function<Result<void>(const Json& line)>& each) {
  if (!exists(path)) return Error{Code::kNotFound, "there is no " + path, ""};
  if (!list_directory(path)) return lines_of(path, each);
  if (!exists(path + "/" + kManifest))
    return Error{Code::kNotFound, path + " has no " + std::string(kManifest) + ": it is no export, or was cut off",
                 "name the directory of an export, or one file of rows"};
  const Json manifest = TRY(parse_json(TRY(read_file(path + "/" + kManifest))).with_context(path));
  if (get_int(manifest, "format") != kFormat)
    return Error{Code::kUnsupported, path + " was written by a newer version of backout", "use that version"};
  if (get_string(manifest, "kind") != kind)
    return Error{Code::kInvalid, path + " has rows of another kind of database: " + get_string(manifest, "kind"), ""};
  for (const auto& [table, file] : get(manifest, "tables").items()) {
    const std::string name = path + "/" + get_string(file, "file");
    if (get_string(file, "file").find('/') != std::string::npos || !exists(name))
      return Error{Code::kNotFound, "the export has no rows of " + table + ": " + name, ""};
    if (TRY(sha256_of_file(name)) != get_string(file, "sha256"))
      return Error{Code::kCorrupt, name + " is not the file that was exported",
                   "if you changed it on purpose, name that file alone"};
    TRY_VOID(lines_of(name, each));
  }
  return {};
}

}  // namespace backout::os
