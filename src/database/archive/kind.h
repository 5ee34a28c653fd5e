// Kind: what an archive of a database is, from its first bytes. Names are whatever a team's script calls them. Pure.
#pragma once
#include <string_view>

namespace backout::archive {

enum class Packing {
  kNone,
  kGzip,
  kZstd,
  kOther
};  // kOther: packed by something that is not read here (bzip2, xz, zip)
std::string_view name_of(Packing packing);

enum class Kind {
  kEmpty,        // nothing in it, or white space alone
  kSqlite,       // an SQLite file
  kSql,          // SQL text, as `sqlite3 FILE .dump` writes it
  kPgSql,        // SQL text of pg_dump or pg_dumpall
  kPgCustom,     // pg_dump --format=custom
  kPgTar,        // pg_dump --format=tar
  kPgDirectory,  // pg_dump --format=directory
  kMysqlSql,     // SQL text of mysqldump
  kUnknown,      // no archive of a database that is known here
};
std::string_view name_of(Kind kind);  // "SQLite file", "SQL text"
bool is_postgresql(Kind kind);

/// From the first bytes of a file as it lies on the disk.
Packing packing_of(std::string_view head);
/// From the first bytes of what is in it, once unpacked; kHead of them are enough.
Kind kind_of(std::string_view head);
inline constexpr size_t kHead = 4096;

}  // namespace backout::archive
