#include "database/postgresql/rung.h"

#include "schema/postgresql/catalog.h"
#include "schema/postgresql/compare.h"

namespace backout::postgresql {

Result<schema::Comparison> decide_rung(const Json& saved, const Json& seen) {
  if (get(saved, "catalog").empty())
    return Error{Code::kNotFound, "the checkpoint has no dump of the database",
                 "roll back to a release with one (backout releases), or the code alone: --code-only"};
  if (!get_bool(seen, "exists"))
    return Error{
        Code::kNotFound, "there is no database " + get_string(seen, "database"),
        "restore one by hand (the checkpoint has a dump: " + get_string(saved, "backup") + "), then plan again"};
  if (get(seen, "comparison").is_object()) return schema::comparison_from_json(get(seen, "comparison"));
  const auto wanted =
      TRY(schema::postgresql::catalog_from_json(get(saved, "catalog")).with_context("the checkpoint's catalogue"));
  const auto there = TRY(schema::postgresql::catalog_from_json(get(seen, "schema")).with_context("the catalogue"));
  return schema::postgresql::compare(wanted, there);
}

Result<std::string> schema_hash_of(const Json& saved) {
  return hash_of_objects(
      TRY(schema::postgresql::catalog_from_json(get(saved, "catalog")).with_context("the checkpoint's catalogue")));
}

}  // namespace backout::postgresql
