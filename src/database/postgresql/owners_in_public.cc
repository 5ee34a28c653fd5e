#include "database/postgresql/owners_in_public.h"

#include <algorithm>

#include "schema/postgresql/catalog.h"

namespace backout::postgresql {
namespace {

constexpr const char* kSchema = "public";

bool is_granted_by_name(const schema::postgresql::Catalog& catalog, const std::string& role) {
  for (const auto& schema : catalog.schemas)
    if (schema.name == kSchema)
      return std::any_of(schema.grants.begin(), schema.grants.end(),
                         [&](const auto& grant) { return grant.grantee == role && grant.privilege == "CREATE"; });
  return false;
}

}  // namespace

Result<std::vector<std::string>> let_owners_in(Connection& restored, const std::vector<Role>& roles) {
  std::vector<std::string> let_in;
  if (TRY(restored.integer("SELECT count(*) FROM pg_namespace WHERE nspname = $1", {kSchema})) == 0) return let_in;
  for (const Role& role : roles) {
    if (!role.owns || TRY(restored.text("SELECT has_schema_privilege($1, $2, 'CREATE')", {role.name, kSchema})) == "t")
      continue;
    TRY_VOID(restored.exec(std::string("GRANT CREATE ON SCHEMA ") + kSchema + " TO " + sql_name(role.name)));
    let_in.push_back(role.name);
  }
  return let_in;
}

Result<void> put_owners_out(Connection& restored, const std::vector<std::string>& owners, const Json& catalog) {
  if (owners.empty()) return {};
  const auto wanted = TRY(schema::postgresql::catalog_from_json(catalog));
  for (const std::string& owner : owners)
    if (!is_granted_by_name(wanted, owner))
      TRY_VOID(restored.exec(std::string("REVOKE CREATE ON SCHEMA ") + kSchema + " FROM " + sql_name(owner)));
  return {};
}

}  // namespace backout::postgresql
