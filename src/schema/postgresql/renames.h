// Renames: names that changed while the thing stayed, so that rows written under the new one can go under the old one.
#pragma once
#include <map>
#include <string>

#include "schema/postgresql/catalog.h"

namespace backout::schema::postgresql {

struct NewNames {
  std::string table;                           // full name now
  std::map<std::string, std::string> columns;  // name before -> name now; only those that changed
  bool operator==(const NewNames&) const = default;
};
/// By the table's full name before; only tables of which something has another name.
using Renames = std::map<std::string, NewNames>;

/// Tables are known by their oid, columns by their number, which mean something within one database only: of two
/// databases there are none.
Renames renames(const Catalog& before, const Catalog& now);
/// The same, seen from the other side.
Renames inverse(const Renames& renames);

Json to_json(const Renames& renames);
Renames renames_from_json(const Json& value);

}  // namespace backout::schema::postgresql
