// Since PostgreSQL 15 only a database's owner may make objects in the schema public. While a dump is poured into a
// database that is ours, the roles that owned objects there are let in; else our role could not give them any
// (ALTER ... OWNER wants the new owner to have CREATE on the schema), unless it is a superuser. The same goes for the
// database itself, where the owner of a publication must have CREATE.
#pragma once
#include <string>
#include <vector>

#include "database/postgresql/connection.h"
#include "database/postgresql/manifest.h"

namespace backout::postgresql {

/// Who was let in.
struct LetIn {
  std::vector<std::string> schema, database;
};

/// Of the roles that own something, each that may not create there already.
Result<LetIn> let_owners_in(Connection& restored, const std::vector<Role>& roles);
/// Takes it from them again, except from those to whom the catalogue of the backup gives it by name.
Result<void> put_owners_out(Connection& restored, const LetIn& owners, const Json& catalog);

}  // namespace backout::postgresql
