#include "database/sqlite/connection.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"

namespace backout::database {
namespace {

constexpr int kBusyMillis = 5'000;

Code code_of(sqlite3* db, int code) {
  const int system = db == nullptr ? 0 : sqlite3_system_errno(db);
  switch (code & 0xff) {
    case SQLITE_FULL: return Code::kNoSpace;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return Code::kBusy;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return Code::kCorrupt;
    case SQLITE_PERM:
    case SQLITE_READONLY: return Code::kDenied;
    case SQLITE_CONSTRAINT: return Code::kConflict;
    case SQLITE_CANTOPEN:
      return system == ENOENT ? Code::kNotFound : system == EACCES ? Code::kDenied : Code::kUnavailable;
    case SQLITE_IOERR: return system == ENOSPC || system == EDQUOT ? Code::kNoSpace : Code::kUnavailable;
    default: return Code::kInternal;
  }
}

std::string next_for(Code code) {
  if (code == Code::kNoSpace) return "make room on that file system and try again; nothing was lost";
  if (code == Code::kBusy) return "another program holds a lock on the database; end its transaction and try again";
  return "";
}

}  // namespace

Error sqlite_error(sqlite3* db, int code, std::string_view what) {
  const Code kind = code_of(db, code);
  const std::string detail = db == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(db);
  return {kind, std::string(what) + ": " + one_line(detail), next_for(kind)};
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(raw());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return sqlite_error(sqlite3_db_handle(raw()), code, one_line(shortened(sqlite3_sql(raw()), 120)));
}

Result<void> Statement::run() {
  const auto stepped = step();
  sqlite3_reset(raw());
  if (!stepped) return stepped.error();
  return {};
}

Statement& Statement::bind(int at, int64_t value) {
  sqlite3_bind_int64(raw(), at, value);
  return *this;
}

Statement& Statement::bind(int at, std::string_view text) {
  sqlite3_bind_text64(raw(), at, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}

std::string Statement::text(int column) const {
  const auto* bytes = sqlite3_column_text(raw(), column);
  return bytes == nullptr ? ""
                          : std::string(reinterpret_cast<const char*>(bytes),
                                        static_cast<size_t>(sqlite3_column_bytes(raw(), column)));
}

Result<Connection> Connection::open(const std::string& path, Open how) {
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_URI;
  std::string query;
  switch (how) {
    case Open::kRead: flags |= SQLITE_OPEN_READONLY; break;
    case Open::kFixed:
      flags |= SQLITE_OPEN_READONLY;
      query = "immutable=1";
      break;
    case Open::kWrite:
    case Open::kQuery: flags |= SQLITE_OPEN_READWRITE; break;
    case Open::kCreate: {
      const int fd =
          ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);  // the mode must be right from the first moment
      if (fd < 0) return errno_error("creating " + path);
      ::close(fd);
      flags |= SQLITE_OPEN_READWRITE;
      break;
    }
  }
  Connection out;
  out.path_ = path;
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(uri_of(path, query).c_str(), &raw, flags, nullptr);
  out.handle_.reset(raw);
  if (code != SQLITE_OK) return out.error(code, "opening");
  sqlite3_busy_timeout(raw, kBusyMillis);
  TRY_VOID(out.exec("PRAGMA foreign_keys=OFF; PRAGMA cache_size=-4000;"));
  if (how == Open::kQuery) TRY_VOID(out.exec("PRAGMA query_only=ON"));
  return out;
}

Result<Statement> Connection::prepare(std::string_view sql) {
  sqlite3_stmt* raw_statement = nullptr;
  const int code = sqlite3_prepare_v2(raw(), sql.data(), static_cast<int>(sql.size()), &raw_statement, nullptr);
  Statement out;
  out.handle_.reset(raw_statement);
  if (code != SQLITE_OK) return error(code, one_line(shortened(sql, 120)));
  return out;
}

Result<void> Connection::exec(const std::string& sql) {
  const int code = sqlite3_exec(raw(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return error(code, one_line(shortened(sql, 120)));
  return {};
}

Result<int64_t> Connection::integer(std::string_view sql) {
  auto statement = TRY(prepare(sql));
  return TRY(statement.step()) ? statement.integer(0) : 0;
}

Result<std::string> Connection::text(std::string_view sql) {
  auto statement = TRY(prepare(sql));
  return TRY(statement.step()) ? statement.text(0) : std::string();
}

std::string sql_name(std::string_view name) { return "\"" + replaced(std::string(name), "\"", "\"\"") + "\""; }

std::string uri_of(const std::string& path, std::string_view query) {
  std::string uri = "file:";
  for (const char c : path) {
    if (c == '%' || c == '?' || c == '#') {
      constexpr char kHex[] = "0123456789ABCDEF";
      uri += '%';
      uri += kHex[static_cast<unsigned char>(c) >> 4];
      uri += kHex[static_cast<unsigned char>(c) & 15];
    } else {
      uri += c;
    }
  }
  if (!query.empty()) uri += "?" + std::string(query);
  return uri;
}

}  // namespace backout::database
