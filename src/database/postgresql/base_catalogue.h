// BaseCatalogue: the tables of a checkpoint as they were, known without its rows: from the manifest. What map_rows()
// needs of the side that was not restored.
#pragma once
#include <set>

#include "database/postgresql/manifest.h"
#include "database/postgresql/row_catalogue.h"
#include "schema/postgresql/catalog.h"

namespace backout::postgresql {

struct BaseTable {
  int64_t rows = 0;
  std::set<int64_t> leaves;                     // oids of what holds its rows: itself, or its partitions
  std::map<std::string, TableContent> content;  // by the leaf's name as the manifest spells it
};

struct BaseCatalogue {
  schema::postgresql::Catalog catalog;
  RowCatalogue rows;                    // its tables, by their oids of then; without foreign keys
  std::map<int64_t, BaseTable> tables;  // by the same oids
  std::map<int64_t, int64_t> root_of;   // a leaf's table
  /// Counted by the checkpoint though the catalogue does not have it: a table of an extension.
  std::set<std::string> others;  // "schema.table"
};
Result<BaseCatalogue> base_catalogue(const Manifest& manifest);

/// "public", "Or ders" of `public."Or ders"`.
std::pair<std::string, std::string> names_in(std::string_view quoted);

}  // namespace backout::postgresql
