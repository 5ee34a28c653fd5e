#include "journal/sqlite_store.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cerrno>
#include <map>
#include <system_error>
#include <tuple>

#include "base/fault.h"
#include "base/text.h"
#include "journal/room.h"

namespace backout::journal {
namespace {

constexpr int kBusyTimeoutMillis = 30'000;

/// `code` as SQLite said it (extended), `number` the errno behind it or 0.
Code code_of(int code, int number) {
  if (number == ENOSPC || number == EDQUOT) return Code::kNoSpace;
  switch (code & 0xFF) {
    case SQLITE_FULL: return Code::kNoSpace;
    case SQLITE_IOERR: return Code::kUnavailable;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL: return Code::kTimedOut;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return Code::kCorrupt;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH: return Code::kDenied;
    case SQLITE_CANTOPEN: return errno_error("", number).code;
    case SQLITE_CONSTRAINT: return Code::kConflict;
    default: return Code::kInternal;
  }
}

std::string next_for(Code code, const std::string& file) {
  if (code == Code::kNoSpace) return "make space on the disk of " + file + ", then run the same again";
  if (code == Code::kCorrupt) return "keep the file as it is, and restore a copy or choose another place: --state DIR";
  if (code == Code::kDenied) return "run as the user who owns " + file + ", or choose another place: --state DIR";
  if (code == Code::kTimedOut) return "another backout process is writing; run the same again";
  return "";
}

class SqliteRow : public Row {
 public:
  explicit SqliteRow(sqlite3_stmt* statement) : statement_(statement) {}
  int64_t integer(int column) const override { return sqlite3_column_int64(statement_, column); }
  std::string_view text(int column) const override {
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    if (bytes == nullptr) return {};
    return {bytes, static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
  }

 private:
  sqlite3_stmt* statement_;
};

struct Finalizer {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, Finalizer>;

class SqliteStore : public Store {
 public:
  explicit SqliteStore(std::string file) : file_(std::move(file)) {}
  ~SqliteStore() override {
    statements_.clear();
    if (database_ != nullptr) keep_room(database_, file_);
    sqlite3_close_v2(database_);
  }
  SqliteStore(const SqliteStore&) = delete;
  SqliteStore& operator=(const SqliteStore&) = delete;

  Result<void> open(bool sync) {
    const int code = sqlite3_open_v2(file_.c_str(), &database_,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
    if (code != SQLITE_OK) return error("opening the journal", code);
    if (sqlite3_db_readonly(database_, "main") == 1)
      return Error{Code::kDenied, "the journal " + file_ + " may not be written by this user",
                   next_for(Code::kDenied, file_)};
    sqlite3_busy_timeout(database_, kBusyTimeoutMillis);
    // The WAL is moved into the file every megabyte, so that a full disk is met with a short one.
    for (const char* setting : {"PRAGMA foreign_keys=OFF", "PRAGMA trusted_schema=OFF", "PRAGMA temp_store=MEMORY",
                                "PRAGMA wal_autocheckpoint=256"})
      TRY_VOID(execute(setting, {}));
    syncs_ = sync;
    return set_ahead(false);
  }

  Result<void> begin(Access access) override {
    // Without a sync of its own a transaction lies in the WAL, in front of the next one, whose sync takes it along.
    if (access != Access::kRead && ahead_ != (access == Access::kWriteAhead))
      TRY_VOID(set_ahead(access == Access::kWriteAhead));
    TRY_VOID(execute(access == Access::kRead ? "BEGIN" : "BEGIN IMMEDIATE", {}));
    return {};
  }
  Result<void> commit() override {
    TRY_VOID(execute("COMMIT", {}));
    return {};
  }
  void rollback() override {
    // SQLite ends the transaction by itself on some errors.
    if (sqlite3_get_autocommit(database_) == 0) std::ignore = execute("ROLLBACK", {});
  }
  Result<int64_t> execute(std::string_view sql, const std::vector<Value>& values) override {
    TRY_VOID(query(sql, values, [](const Row&) { return Result<void>(); }));
    return static_cast<int64_t>(sqlite3_changes64(database_));
  }

  Result<void> query(std::string_view sql, const std::vector<Value>& values, const EachRow& each) override {
    Statement temporary;  // when the cached one is in the middle of an outer query
    sqlite3_stmt* const statement = TRY(prepared(sql, temporary));
    TRY_VOID(bind(statement, values));
    Result<void> result;
    int code = SQLITE_ROW;
    while (result && (code = sqlite3_step(statement)) == SQLITE_ROW) result = each(SqliteRow(statement));
    if (result && code != SQLITE_DONE) result = error("the journal", code);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return result;
  }

  void make_room(uint64_t bytes) override { journal::make_room(database_, file_, bytes); }

  Result<std::vector<std::string>> check() override {
    std::vector<std::string> faults;
    TRY_VOID(query("PRAGMA quick_check(20)", {}, [&](const Row& row) {
      if (row.text(0) != "ok") faults.emplace_back(one_line(row.text(0)));
      return Result<void>();
    }));
    return faults;
  }

 private:
  Result<sqlite3_stmt*> prepared(std::string_view sql, Statement& temporary) {
    const auto found = statements_.find(sql);
    if (found != statements_.end() && sqlite3_stmt_busy(found->second.get()) == 0) return found->second.get();
    sqlite3_stmt* raw = nullptr;
    const unsigned flags = found == statements_.end() ? SQLITE_PREPARE_PERSISTENT : 0U;
    const int code = sqlite3_prepare_v3(database_, sql.data(), static_cast<int>(sql.size()), flags, &raw, nullptr);
    Statement made(raw);
    if (code != SQLITE_OK) return error("the journal", code);
    if (found == statements_.end()) return statements_.emplace(std::string(sql), std::move(made)).first->second.get();
    temporary = std::move(made);
    return temporary.get();
  }

  Result<void> bind(sqlite3_stmt* statement, const std::vector<Value>& values) {
    for (size_t i = 0; i < values.size(); ++i) {
      const int index = sqlite3_bind_parameter_index(statement, ("$" + std::to_string(i + 1)).c_str());
      BACKOUT_CHECK(index > 0, sqlite3_sql(statement));
      const auto* text = std::get_if<std::string>(&values[i]);
      const int code = text == nullptr ? sqlite3_bind_int64(statement, index, std::get<int64_t>(values[i]))
                                       : sqlite3_bind_text64(statement, index, text->data(), text->size(),
                                                             SQLITE_STATIC, SQLITE_UTF8);  // outlives the query
      if (code != SQLITE_OK) return error("the journal", code);
    }
    return {};
  }

  Error error(std::string_view what, int code) const {
    // errno belongs to an earlier failure unless this one came from the system.
    const int primary = code & 0xFF;
    const bool from_system = primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN || primary == SQLITE_FULL;
    const int number = from_system && database_ != nullptr ? sqlite3_system_errno(database_) : 0;
    const Code kind = code_of(code, number);
    std::string message =
        fmt::format("{} {}: {}", what, file_, database_ != nullptr ? sqlite3_errmsg(database_) : sqlite3_errstr(code));
    if (number != 0) message += " (" + errno_error("system", number).message.substr(8) + ")";
    return {kind, std::move(message), next_for(kind, file_)};
  }

  std::string file_;
  /// REQUIRES: no transaction is open.
  Result<void> set_ahead(bool ahead) {
    const char* const level = !syncs_ ? "OFF" : ahead ? "NORMAL" : "FULL";
    TRY_VOID(execute(fmt::format("PRAGMA synchronous={}", level), {}));
    ahead_ = ahead;
    return {};
  }

  sqlite3* database_ = nullptr;
  bool syncs_ = true, ahead_ = false;
  std::map<std::string, Statement, std::less<>> statements_;
};

}  // namespace

Result<std::unique_ptr<Store>> open_sqlite(const std::string& file) {
  auto store = std::make_unique<SqliteStore>(file);
  TRY_VOID(store->open(!fault::sabotaged("fsync")));
  return std::unique_ptr<Store>(std::move(store));
}

}  // namespace backout::journal
