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

Result<LetIn> let_owners_in(Connection& restored, const std::vector<Role>& roles) {
  LetIn let_in;
  const bool has_public = TRY(restored.integer("SELECT count(*) FROM pg_namespace WHERE nspname = $1", {kSchema})) > 0;
  for (const Role& role : roles) {
    if (!role.owns) continue;
    if (TRY(restored.text("SELECT has_database_privilege($1, current_database(), 'CREATE')", {role.name})) != "t") {
      TRY_VOID(
          restored.exec("GRANT CREATE ON DATABASE " + sql_name(restored.database()) + " TO " + sql_name(role.name)));
      let_in.database.push_back(role.name);
    }
    if (has_public &&
        TRY(restored.text("SELECT has_schema_privilege($1, $2, 'CREATE')", {role.name, kSchema})) != "t") {
      TRY_VOID(restored.exec(std::string("GRANT CREATE ON SCHEMA ") + kSchema + " TO " + sql_name(role.name)));
      let_in.schema.push_back(role.name);
    }
  }
  return let_in;
}

Result<void> put_owners_out(Connection& restored, const LetIn& owners, const Json& catalog) {
  // The database has none of its own rights before it goes live.
  for (const std::string& owner : owners.database)
    TRY_VOID(restored.exec("REVOKE CREATE ON DATABASE " + sql_name(restored.database()) + " FROM " + sql_name(owner)));
  if (owners.schema.empty()) return {};
  const auto wanted = TRY(schema::postgresql::catalog_from_json(catalog));
  for (const std::string& owner : owners.schema)
    if (!is_granted_by_name(wanted, owner))
      TRY_VOID(restored.exec(std::string("REVOKE CREATE ON SCHEMA ") + kSchema + " FROM " + sql_name(owner)));
  return {};
}

}  // namespace backout::postgresql
