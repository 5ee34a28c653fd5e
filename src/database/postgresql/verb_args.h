// What the verbs of the PostgreSQL tool share: reading their arguments, and saying what a look saw.
#pragma once
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "database/postgresql/connection.h"
#include "driver/tool.h"

namespace backout::postgresql {

using driver::Progress;

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

/// Whether a name is one that backout gave to a database. Nothing else is ever dropped or made.
inline bool is_ours(std::string_view database) { return database.find("__backout_") != std::string_view::npos; }

/// A database of ours, by the argument `key`; kInvalid for any other name.
inline Result<std::string> need_our_database(const Json& args, const std::string& key) {
  std::string name = TRY(need(args, key));
  if (!is_ours(name)) return Error{Code::kInvalid, "the database " + name + " was not made by backout", ""};
  if (name.size() > 63) return Error{Code::kInvalid, "the name " + name + " is longer than the server takes", ""};
  return name;
}

/// The argument 'server': a connection string without a password (docs/formats/postgresql-backup.md).
Result<Server> server_of(const Json& args);

inline Json sight(bool holds, const std::string& why, const Json& evidence = Json::object()) {
  return driver::sight_json(holds, why, evidence);
}

/// A check that says by its error why it is not so.
inline Json sight_of(const Result<void>& check, const std::string& why_so) {
  return sight(check.has_value(), check ? why_so : check.error().message);
}

}  // namespace backout::postgresql
