// observe: a database file as it is now. Changes nothing and leaves nothing behind, not even an empty -wal.
#pragma once
#include <string>

#include "base/json.h"
#include "base/result.h"

namespace backout::database {

/// {"exists": false}, or {"exists", "file" (without symlinks), "size", "wal_bytes", "journal_mode", "page_size",
/// "encoding", "user_version", "schema", "schema_hash", "holders", "free_bytes", "mode", "owner", "group"}. kCorrupt,
/// kDenied; kBusy when writers keep it locked. `books_of`: {"manifest", "manifest_sha256"} of a copy, and then "books",
/// as schema::other_books says it.
Result<Json> observe(const std::string& file, const Json& books_of = Json());

/// What a file holds without touching anything beside it: read in place when nobody can be in the middle of writing,
/// through SQLite's locks when somebody has it open, from a scratch copy when a crash left a journal to be rolled back.
Result<Json> schema_of(const std::string& file, const Json& books_of = Json());

}  // namespace backout::database
