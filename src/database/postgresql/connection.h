// A connection to one database of a PostgreSQL server: a thin owner that turns libpq's results into ours.
//
// The one place that knows how a server is reached. Every session speaks in the same way (ISO dates, UTC, UTF-8,
// an empty search_path, row security as an error instead of a filter), so that values compare as text whatever the
// role's settings are. Passwords never pass through here: libpq takes them from PGPASSWORD, a service file or
// ~/.pgpass. A connection belongs to one thread at a time.
#pragma once
#include <libpq-fe.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

namespace backout::postgresql {

/// Where the server is: a libpq connection string or URI ("service=shop", "host=db.internal user=shop"), without the
/// name of a database and without a password.
struct Server {
  std::string conninfo;
};

/// What a query returned, as text.
class Rows {
 public:
  explicit Rows(PGresult* result) : result_(result, &PQclear) {}
  bool ok() const {
    const auto status = PQresultStatus(raw());
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
  }
  const PGresult* raw() const { return result_.get(); }
  int count() const { return PQntuples(result_.get()); }
  bool is_null(int row, int column) const { return PQgetisnull(result_.get(), row, column) != 0; }
  std::string text(int row, int column) const { return std::string(view(row, column)); }
  /// Valid as long as this.
  std::string_view view(int row, int column) const {
    return {PQgetvalue(result_.get(), row, column), static_cast<size_t>(PQgetlength(result_.get(), row, column))};
  }
  /// 0 when it is NULL or no number.
  int64_t integer(int row, int column) const;
  bool flag(int row, int column) const { return view(row, column) == "t"; }
  /// Of an INSERT, UPDATE or DELETE.
  int64_t affected() const;

 private:
  std::shared_ptr<PGresult> result_;
};

using Parameter = std::optional<std::string>;  // text; nothing: NULL

class Connection;

/// Lines of a COPY ... TO STDOUT, one at a time: memory does not grow.
class CopyOut {
 public:
  /// The next line without its newline, valid until the next call but one; nothing: that was all, and the server said
  /// so.
  Result<std::optional<std::string_view>> next();
  /// The same of FORMAT binary: what the server sent at once.
  Result<std::optional<std::string_view>> next_bytes();

 private:
  friend class Connection;
  explicit CopyOut(Connection* connection) : connection_(connection) {}
  Connection* connection_;
  std::unique_ptr<char, void (*)(void*)> line_{nullptr, &PQfreemem}, before_{nullptr, &PQfreemem};
};

/// A COPY ... FROM STDIN that is open.
class CopyIn {
 public:
  /// Bytes as the format wants them: for text, a line with its newline.
  Result<void> put(std::string_view bytes);
  /// The rows that the server took.
  Result<int64_t> finish();

 private:
  friend class Connection;
  explicit CopyIn(Connection* connection) : connection_(connection) {}
  Connection* connection_;
};

class Connection {
 public:
  /// `database` empty: the one that the connection string names. kNotFound: there is no such database. kDenied: role,
  /// password or pg_hba. kUnavailable: nobody answers within 10 s.
  static Result<Connection> open(const Server& server, const std::string& database);

  /// kUnsupported: the server is older than 12. kRefused: it is a standby, in which nothing can be written.
  Result<void> is_fit();

  /// One or more statements whose results are of no interest.
  Result<void> exec(const std::string& sql);
  /// One statement; parameters are $1, $2, ...
  Result<Rows> query(const std::string& sql, const std::vector<Parameter>& parameters = {});
  /// First column of the first row; 0 or "" when there is none.
  Result<int64_t> integer(const std::string& sql, const std::vector<Parameter>& parameters = {});
  Result<std::string> text(const std::string& sql, const std::vector<Parameter>& parameters = {});
  /// Asks the server what it would make of a statement, and forgets it again. The error's sqlstate() says what breaks.
  Result<void> try_prepare(const std::string& sql);

  /// Only one of these may be open on a connection, and nothing else be asked meanwhile.
  Result<CopyOut> copy_out(const std::string& sql);
  Result<CopyIn> copy_in(const std::string& sql);
  /// copy_out() in two parts, so that two servers' sessions can work at the same time.
  Result<void> send_copy_out(const std::string& sql);
  Result<CopyOut> sent_copy_out();

  /// Of the last error: "23505"; empty when it did not come from the server.
  const std::string& sqlstate() const { return sqlstate_; }
  PGconn* raw() const { return handle_.get(); }
  std::string database() const { return PQdb(raw()); }
  int process_id() const { return PQbackendPID(raw()); }
  /// 150020.
  int server_version() const { return PQserverVersion(raw()); }

 private:
  friend class CopyOut;
  friend class CopyIn;
  Error failed(const PGresult* result);
  Result<Rows> end_of_copy();
  struct Close {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  std::unique_ptr<PGconn, Close> handle_;
  std::string sqlstate_;
};

/// An error for what the server, or libpq, said. Full disks, locks, missing rights and lost servers get their own
/// codes.
Error server_error(std::string_view sqlstate, std::string_view message);

/// "name" and 'text' as SQL, with quotes inside doubled.
std::string sql_name(std::string_view name);
std::string sql_text(std::string_view text);
/// "schema"."name".
std::string sql_name(std::string_view schema, std::string_view name);

}  // namespace backout::postgresql
