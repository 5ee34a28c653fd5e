#include "database/postgresql/prober.h"

namespace backout::postgresql {
namespace {

constexpr Oid kFirstUserOid = 16384, kText = 25, kVarchar = 1043;

}  // namespace

Result<Prober> Prober::on(Connection& connection, const std::string& search_path) {
  Prober prober(connection);
  TRY_VOID(connection.exec("SET statement_timeout = '5s'; SET lock_timeout = '2s'; SET row_security = on"));
  TRY(connection.query("SELECT set_config('search_path', $1, false)", {search_path}));
  return prober;
}

Prober::~Prober() {
  if (connection_ != nullptr)
    (void)connection_->exec(
        "SET statement_timeout = 0; SET lock_timeout = '10s'; SET row_security = off; SET search_path = ''");
}

Result<std::string> Prober::type_name(Oid oid) {
  if (oid == kVarchar) oid = kText;  // of which clients make the same
  if (oid < kFirstUserOid) return std::to_string(oid);
  auto known = types_.find(oid);
  if (known == types_.end()) {
    const std::string name = TRY(connection_->text(
        "SELECT n.nspname || '.' || t.typname FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = "
        "t.typnamespace WHERE t.oid = $1::oid",
        {std::to_string(oid)}));
    known = types_.emplace(oid, name).first;
  }
  return known->second;
}

Result<Shape> Prober::shape_of(const std::string& sql) {
  sqlstate_.clear();
  const Rows prepared(PQprepare(connection_->raw(), "", sql.c_str(), 0, nullptr));
  const Rows described(prepared.ok() ? PQdescribePrepared(connection_->raw(), "") : nullptr);
  if (!prepared.ok() || !described.ok()) {
    const PGresult* failed = prepared.ok() ? described.raw() : prepared.raw();
    const char* state = PQresultErrorField(failed, PG_DIAG_SQLSTATE);
    const char* message = PQresultErrorField(failed, PG_DIAG_MESSAGE_PRIMARY);
    sqlstate_ = state == nullptr ? "08006" : state;
    return server_error(sqlstate_, message == nullptr ? PQerrorMessage(connection_->raw()) : message);
  }
  Shape shape;
  for (int i = 0; i < PQnparams(described.raw()); ++i)
    shape.parameters.push_back(TRY(type_name(PQparamtype(described.raw(), i))));
  for (int i = 0; i < PQnfields(described.raw()); ++i) {
    std::string type = TRY(type_name(PQftype(described.raw(), i)));
    shape.columns.emplace_back(PQfname(described.raw(), i), std::move(type));
  }
  return shape;
}

Result<bool> Prober::has_row(const std::string& sql) {
  TRY_VOID(connection_->exec("BEGIN READ ONLY"));
  const auto rows = connection_->query(sql);
  TRY_VOID(connection_->exec("ROLLBACK"));
  if (!rows) return rows.error();
  return rows->count() > 0;
}

}  // namespace backout::postgresql
