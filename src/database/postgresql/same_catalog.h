// Is a restored database's catalogue that of its source? Not whether code runs on it (schema/postgresql/compare.h):
// what must be the same, is.
//
// Some things are not, and need not be: a restore parses texts of expressions anew, so that casts and parentheses may
// be printed otherwise; columns of a table that inherits come in another order; pg_dump leaves out invalid indexes, and
// takes extensions in the version that the server has.
#pragma once
#include <string>
#include <vector>

#include "schema/postgresql/catalog.h"

namespace backout::postgresql {

struct CatalogDifferences {
  std::vector<std::string> faults;  // something is missing, there beside, or another: each a line that says what
  std::vector<std::string> notes;   // a definition that only reads otherwise, as far as that can be told
};

CatalogDifferences differences_of(const schema::postgresql::Catalog& found, const schema::postgresql::Catalog& wanted);

/// An expression without casts, parentheses and white space outside of quotes.
std::string loosened(std::string_view expression);

}  // namespace backout::postgresql
