// The queries behind read_catalog. Each row is an object as schema/postgresql/catalog.h writes it to JSON; null fields
// are those that are as in an empty value. Written for an empty search_path, PostgreSQL 14 and later.
#pragma once
#include <string>

namespace backout::postgresql {

/// One list of the catalogue: rows are (oid of the table it belongs to, or of itself, JSON).
struct CatalogQuery {
  const char* list;  // "tables"; "tables/columns": the field of the table with that oid
  std::string sql;
};

/// Tables come before what belongs to them.
const std::vector<CatalogQuery>& catalog_queries();
/// One row, one column: the JSON of `whole`, and the database's part of `origin`.
extern const char* const kWholeQuery;
extern const char* const kOriginQuery;

}  // namespace backout::postgresql
