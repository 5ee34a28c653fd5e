#include "database/postgresql/connection.h"

#include <charconv>

#include "base/fault.h"
#include "base/text.h"
#include "database/postgresql/container_address.h"

namespace backout::postgresql {
namespace {

constexpr const char* kConnectSeconds = "10";
constexpr const char* kSettings =
    "SET client_encoding = 'UTF8'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; SET TimeZone = 'UTC'; "
    "SET extra_float_digits = 1; SET bytea_output = 'hex'; SET xmloption = 'content'; SET search_path = ''; "
    "SET row_security = off; SET default_transaction_read_only = off; SET default_transaction_isolation = "
    "'read committed'; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET lock_timeout = "
    "'10s'; "
    "SET standard_conforming_strings = on; SET client_min_messages = warning";

constexpr int kHasIdleSessions = 140000, kHasTransactionTime = 170000;
constexpr int kOldestServer = 120000;

int64_t number(std::string_view text) {
  int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

void say_nothing(void*, const char*) {}

std::string field(const PGresult* result, int which) {
  const char* text = result == nullptr ? nullptr : PQresultErrorField(result, which);
  return text == nullptr ? "" : text;
}

/// libpq expands the first dbname when it is a connection string; the second one is then the database's plain name.
struct Keywords {
  std::vector<const char*> names, values;
  void add(const char* name, const char* value) {
    names.push_back(name);
    values.push_back(value);
  }
};

Code code_of_refusal(std::string_view words) {
  // There is no SQLSTATE for a connection that was refused: libpq hands on the server's words.
  static constexpr std::pair<std::string_view, Code> kWords[] = {{"role \"", Code::kDenied},
                                                                 {"authentication failed", Code::kDenied},
                                                                 {"no password", Code::kDenied},
                                                                 {"pg_hba.conf", Code::kDenied},
                                                                 {"permission denied", Code::kDenied},
                                                                 {"not currently accepting connections", Code::kBusy},
                                                                 {"too many", Code::kBusy},
                                                                 {"remaining connection slots", Code::kBusy},
                                                                 {"does not exist", Code::kNotFound}};
  for (const auto& [part, code] : kWords)
    if (words.find(part) != std::string_view::npos) return code;
  return Code::kUnavailable;
}

const char* after_refusal(Code code) {
  if (code == Code::kDenied)
    return "is the role of database.postgresql right, and does database.postgresql.password name the file or variable "
           "with its password? pg_hba.conf of the server says who may come how";
  if (code == Code::kBusy) return "wait, or end sessions that nobody needs (pg_stat_activity), then again";
  return "is the server up, and is database.postgresql right? try it with psql";
}

}  // namespace

int64_t Rows::integer(int row, int column) const { return number(view(row, column)); }

int64_t Rows::affected() const { return number(PQcmdTuples(result_.get())); }

Error server_error(std::string_view sqlstate, std::string_view message) {
  const std::string words = one_line(trimmed(message));
  const auto is = [&](std::string_view start) { return sqlstate.starts_with(start); };
  Code code = Code::kInternal;
  std::string next;
  if (is("53100")) {
    code = Code::kNoSpace;
    next = "make room on the disk of the database server";
  } else if (is("28") || is("42501")) {
    code = Code::kDenied;
    if (words.find("row-level security") != std::string::npos)
      next = "backout reads every row or none: as a superuser, ALTER ROLE ... BYPASSRLS for its role";
  } else if (is("3D000")) {
    code = Code::kNotFound;
  } else if (is("08") || is("57P")) {
    code = Code::kUnavailable;
  } else if (is("55006") || is("55P03") || is("40P01") || is("53300")) {
    code = Code::kBusy;
  } else if (is("42P04")) {
    code = Code::kConflict;
  } else if (is("57014")) {
    code = Code::kTimedOut;
  } else if (is("XX001") || is("XX002")) {
    code = Code::kCorrupt;
  } else if (is("0A000")) {
    code = Code::kUnsupported;
  }
  return {code, words, next};
}

Error Connection::failed(const PGresult* result) {
  sqlstate_ = field(result, PG_DIAG_SQLSTATE);
  std::string message = field(result, PG_DIAG_MESSAGE_PRIMARY);
  if (const std::string detail = field(result, PG_DIAG_MESSAGE_DETAIL); !detail.empty()) message += " (" + detail + ")";
  if (message.empty()) message = PQerrorMessage(raw());
  if (PQstatus(raw()) == CONNECTION_BAD && sqlstate_.empty()) sqlstate_ = "08006";
  return server_error(sqlstate_, message);
}

Result<Connection> Connection::open(const Server& server, const std::string& database) {
  const std::string address = TRY(container_address(server));
  Keywords keywords;
  keywords.add("connect_timeout", kConnectSeconds);
  keywords.add("fallback_application_name", "backout");
  keywords.add("dbname", server.conninfo.c_str());
  if (!database.empty()) keywords.add("dbname", database.c_str());
  if (!address.empty()) keywords.add("hostaddr", address.c_str());
  keywords.add(nullptr, nullptr);
  Connection connection;
  connection.handle_.reset(PQconnectdbParams(keywords.names.data(), keywords.values.data(), 1));
  if (connection.raw() == nullptr) return Error{Code::kInternal, "libpq has no memory", ""};
  if (PQstatus(connection.raw()) != CONNECTION_OK) {
    const std::string message = one_line(trimmed(PQerrorMessage(connection.raw())));
    const Code code = message.find("No such file") == std::string::npos ? code_of_refusal(message) : Code::kUnavailable;
    return Error{code, message, after_refusal(code)};
  }
  PQsetNoticeProcessor(connection.raw(), &say_nothing, nullptr);
  std::string settings = kSettings;
  // What the role or the database may have set against idle sessions: ours wait for pg_restore.
  if (connection.server_version() >= kHasIdleSessions) settings += "; SET idle_session_timeout = 0";
  if (connection.server_version() >= kHasTransactionTime) settings += "; SET transaction_timeout = 0";
  TRY_VOID(connection.exec(settings).with_context("settings of a new session"));
  return connection;
}

Result<void> Connection::is_fit() {
  if (server_version() < kOldestServer)
    return Error{Code::kUnsupported,
                 "the server is PostgreSQL " + std::to_string(server_version() / 10000) +
                     (server_version() < 100000 ? "." + std::to_string(server_version() / 100 % 100) : ""),
                 "versions before 12 are not supported"};
  if (TRY(text("SELECT pg_catalog.pg_is_in_recovery()")) == "t")
    return Error{Code::kRefused, "the server is a standby", "name the primary in database.postgresql"};
  return {};
}

Result<void> Connection::exec(const std::string& sql) {
  fault::pass("sql", "before");
  if (PQsendQuery(raw(), sql.c_str()) != 1) return failed(nullptr);
  fault::pass("sql", "during");
  Rows last(nullptr);
  bool refused = false;
  while (PGresult* next = PQgetResult(raw())) {
    Rows rows(next);
    const auto status = PQresultStatus(rows.raw());
    if (!refused) last = std::move(rows);
    refused = !last.ok();
    if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) break;  // as PQexec does
  }
  fault::pass("sql", "after");
  if (!last.ok()) return failed(last.raw());
  return {};
}

Result<Rows> Connection::query(const std::string& sql, const std::vector<Parameter>& parameters) {
  std::vector<const char*> values;
  for (const Parameter& parameter : parameters) values.push_back(parameter ? parameter->c_str() : nullptr);
  Rows rows(
      PQexecParams(raw(), sql.c_str(), static_cast<int>(values.size()), nullptr, values.data(), nullptr, nullptr, 0));
  if (!rows.ok()) return failed(rows.raw());
  return rows;
}

Result<int64_t> Connection::integer(const std::string& sql, const std::vector<Parameter>& parameters) {
  const Rows rows = TRY(query(sql, parameters));
  return rows.count() == 0 ? 0 : rows.integer(0, 0);
}

Result<std::string> Connection::text(const std::string& sql, const std::vector<Parameter>& parameters) {
  const Rows rows = TRY(query(sql, parameters));
  return rows.count() == 0 ? std::string() : rows.text(0, 0);
}

Result<void> Connection::try_prepare(const std::string& sql) {
  const Rows prepared(PQprepare(raw(), "backout_try", sql.c_str(), 0, nullptr));
  if (!prepared.ok()) return failed(prepared.raw());
  return exec("DEALLOCATE backout_try");
}

Result<CopyOut> Connection::copy_out(const std::string& sql) {
  TRY_VOID(send_copy_out(sql));
  return sent_copy_out();
}

Result<void> Connection::send_copy_out(const std::string& sql) {
  if (PQsendQuery(raw(), sql.c_str()) == 1) return {};
  return failed(nullptr);
}

Result<CopyOut> Connection::sent_copy_out() {
  const Rows begun(PQgetResult(raw()));
  if (PQresultStatus(begun.raw()) == PGRES_COPY_OUT) return CopyOut(this);
  Error error = failed(begun.raw());
  while (PGresult* more = PQgetResult(raw())) PQclear(more);
  return error;
}

Result<CopyIn> Connection::copy_in(const std::string& sql) {
  const Rows begun(PQexec(raw(), sql.c_str()));
  if (PQresultStatus(begun.raw()) != PGRES_COPY_IN) return failed(begun.raw());
  return CopyIn(this);
}

Result<Rows> Connection::end_of_copy() {
  Rows last(PQgetResult(raw()));
  while (PGresult* more = PQgetResult(raw())) PQclear(more);
  if (!last.ok()) return failed(last.raw());
  return last;
}

Result<std::optional<std::string_view>> CopyOut::next() {
  auto line = TRY(next_bytes());
  if (line && line->ends_with('\n')) line->remove_suffix(1);
  return line;
}

Result<std::optional<std::string_view>> CopyOut::next_bytes() {
  char* bytes = nullptr;
  const int length = PQgetCopyData(connection_->raw(), &bytes, 0);
  before_ = std::move(line_);
  line_.reset(bytes);
  if (length > 0) return std::optional(std::string_view(bytes, static_cast<size_t>(length)));
  // -1: the end, or an error that came instead of it; -2: the connection is lost.
  TRY(connection_->end_of_copy());
  return std::optional<std::string_view>();
}

Result<void> CopyIn::put(std::string_view bytes) {
  if (PQputCopyData(connection_->raw(), bytes.data(), static_cast<int>(bytes.size())) == 1) return {};
  return server_error("08006", PQerrorMessage(connection_->raw()));
}

Result<int64_t> CopyIn::finish() {
  if (PQputCopyEnd(connection_->raw(), nullptr) != 1) return server_error("08006", PQerrorMessage(connection_->raw()));
  const Rows rows = TRY(connection_->end_of_copy());
  return rows.affected();
}

std::string sql_name(std::string_view name) { return "\"" + replaced(std::string(name), "\"", "\"\"") + "\""; }

std::string sql_name(std::string_view schema, std::string_view name) { return sql_name(schema) + "." + sql_name(name); }

std::string sql_text(std::string_view text) { return "'" + replaced(std::string(text), "'", "''") + "'"; }

}  // namespace backout::postgresql
