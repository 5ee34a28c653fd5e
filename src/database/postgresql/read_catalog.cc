#include "database/postgresql/read_catalog.h"

#include <map>

#include "database/postgresql/catalog_queries.h"

namespace backout::postgresql {
namespace {

using schema::postgresql::Catalog;

constexpr int kCatalogTries = 3;

Result<Catalog> read_in_transaction(Connection& connection) {
  Json catalog{{"catalog", 1}};
  std::map<std::pair<std::string, int64_t>, size_t> places;  // list and oid -> place in that list
  for (const auto& query : catalog_queries()) {
    const Rows rows = TRY(connection.query(query.sql).with_context(std::string("reading ") + query.list));
    const std::string list = query.list, outer = list.substr(0, list.find('/'));
    Json& into = catalog[outer];
    if (into.is_null()) into = Json::array();
    for (int i = 0; i < rows.count(); ++i) {
      Json value = TRY(parse_json(rows.view(i, 1)));
      const int64_t oid = rows.integer(i, 0);
      if (outer == list) {
        places[{list, oid}] = into.size();
        into.push_back(std::move(value));
      } else if (const auto at = places.find({outer, oid}); at != places.end()) {
        Json& inner = into[at->second][list.substr(outer.size() + 1)];
        if (inner.is_null()) inner = Json::array();
        inner.push_back(std::move(value));
      }
    }
  }
  catalog["whole"] = TRY(parse_json(TRY(connection.text(kWholeQuery))));
  catalog["whole"]["server_version"] = connection.server_version();
  if (TRY(connection.text("SELECT has_function_privilege('pg_catalog.pg_control_system()', 'execute')")) == "t")
    catalog["origin"] = TRY(connection.text(kOriginQuery));
  return schema::postgresql::catalog_from_json(catalog);
}

/// pg_get_viewdef and its like look at the catalogues as they are now: what a migration has just dropped is missing.
bool is_passing(const Connection& connection) { return connection.sqlstate() == "XX000"; }

}  // namespace

Result<Catalog> read_catalog(Connection& connection) {
  if (PQtransactionStatus(connection.raw()) != PQTRANS_IDLE) return read_in_transaction(connection);
  for (int i = 1;; ++i) {
    TRY_VOID(connection.exec("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"));
    auto catalog = read_in_transaction(connection);
    const bool again = !catalog && is_passing(connection) && i < kCatalogTries;
    const auto ended = connection.exec("ROLLBACK");
    if (again) continue;
    if (catalog && !ended) return ended.error();
    return catalog;
  }
}

}  // namespace backout::postgresql
