// Prober: what a server makes of statements, without running them.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "database/postgresql/connection.h"

namespace backout::postgresql {

/// What a prepared statement takes and returns. Types by name where users made them: oids differ between databases.
struct Shape {
  std::vector<std::string> parameters;
  std::vector<std::pair<std::string, std::string>> columns;  // name, type
};

/// Changes the session's search_path and time limits, and puts them back at its end.
class Prober {
 public:
  static Result<Prober> on(Connection& connection, const std::string& search_path);
  Prober(Prober&& other) noexcept : connection_(std::exchange(other.connection_, nullptr)) {}
  Prober& operator=(Prober&&) = delete;
  ~Prober();

  /// An error of the server has its SQLSTATE in sqlstate().
  Result<Shape> shape_of(const std::string& sql);
  /// Does the query return a row? In a read-only transaction, for at most five seconds.
  Result<bool> has_row(const std::string& sql);
  const std::string& sqlstate() const { return sqlstate_; }

 private:
  explicit Prober(Connection& connection) : connection_(&connection) {}
  Result<std::string> type_name(Oid oid);

  Connection* connection_;
  std::string sqlstate_;
  std::map<Oid, std::string> types_;
};

}  // namespace backout::postgresql
