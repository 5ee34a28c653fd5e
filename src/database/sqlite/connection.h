// A connection to one SQLite file, and a statement on it: thin owners that turn SQLite's codes into our errors.
//
// The one place that knows how SQLite is opened: nothing here loads extensions, keeps foreign keys by itself, or waits
// for a lock longer than its busy timeout. Expressions of the schema run as they do for the application: it is the
// site's own, and SQLite counts its JSON functions, which many a CHECK uses, as unsafe. A connection belongs to one
// thread at a time.
#pragma once
#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace backout::database {

enum class Open {
  kRead,    // read-only; a database in WAL mode gets its -wal and -shm if they are missing
  kWrite,   // read and write, must exist
  kQuery,   // as kWrite, and refuses to write: the last one to close tidies up -wal and -shm as SQLite means it
  kFixed,   // nobody writes this file while it is open: no locks, nothing beside it
  kCreate,  // read and write, made with mode 0600 when it is not there
};

/// An error for the code that the last call on `db` returned. Full disks, locks and damage get their own codes.
Error sqlite_error(sqlite3* db, int code, std::string_view what);

class Statement {
 public:
  Statement() = default;
  sqlite3_stmt* raw() const { return handle_.get(); }
  explicit operator bool() const { return handle_ != nullptr; }

  /// True: a row is there. False: done.
  Result<bool> step();
  /// For statements that return no rows; resets.
  Result<void> run();
  void reset() { sqlite3_reset(raw()); }
  Statement& bind(int at, int64_t value);
  Statement& bind(int at, std::string_view text);
  int64_t integer(int column) const { return sqlite3_column_int64(raw(), column); }
  std::string text(int column) const;
  bool is_null(int column) const { return sqlite3_column_type(raw(), column) == SQLITE_NULL; }

 private:
  friend class Connection;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

class Connection {
 public:
  static Result<Connection> open(const std::string& path, Open how);

  sqlite3* raw() const { return handle_.get(); }
  const std::string& path() const { return path_; }

  Result<Statement> prepare(std::string_view sql);
  /// One or more statements without results.
  Result<void> exec(const std::string& sql);
  /// First column of the first row; 0 or "" when there is none.
  Result<int64_t> integer(std::string_view sql);
  Result<std::string> text(std::string_view sql);
  Error error(int code, std::string_view what) const {
    return sqlite_error(raw(), code, path_ + ": " + std::string(what));
  }

 private:
  struct Close {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
  };
  std::unique_ptr<sqlite3, Close> handle_;
  std::string path_;
};

/// "name", with quotes inside doubled.
std::string sql_name(std::string_view name);
/// file: URI for a path, for ATTACH and immutable opening.
std::string uri_of(const std::string& path, std::string_view query);

}  // namespace backout::database
