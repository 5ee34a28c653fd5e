// Since PostgreSQL 15 only a database's owner may make objects in the schema public. While a dump is poured into a
// database that is ours, the roles that owned objects there are let in; else our role could not give them any
// (ALTER ... OWNER wants the new owner to have CREATE on the schema), unless it is a superuser.
#pragma once
#include <string>
#include <vector>

#include "database/postgresql/connection.h"
#include "database/postgresql/manifest.h"

namespace backout::postgresql {

/// Those who were let in: of the roles that own something, each that may not create there already.
Result<std::vector<std::string>> let_owners_in(Connection& restored, const std::vector<Role>& roles);
/// Takes it from them again, except from those to whom the catalogue of the backup gives it by name.
Result<void> put_owners_out(Connection& restored, const std::vector<std::string>& owners, const Json& catalog);

}  // namespace backout::postgresql
