// RowCatalogue: what carrying rows must know of one database - tables with their columns and keys, and foreign keys.
//
// Less than a catalogue snapshot, and read by itself inside the rescue's own transaction, so that it is of the very
// moment that the rows are of. Partitions belong to their root; foreign tables and views hold no rows here.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "database/postgresql/connection.h"

namespace backout::postgresql {

struct RowColumn {
  std::string name;
  std::string type;       // "numeric(10,2)", "public.mood"
  std::string base_type;  // the same without length and precision: "numeric"
  bool builtin = false;   // the type is the server's own: it means the same in every database
  bool is_enum = false;
  bool comparable = false;        // values of the type have an order, so = is defined
  bool hash_is_portable = false;  // hash_record_extended gives the same in every database
  bool not_null = false;
  bool has_default = false;  // or is an identity
  bool generated = false;
  bool identity_always = false;
};

struct RowTable {
  int64_t oid = 0;
  std::string schema, name;
  bool partitioned = false;
  int64_t estimated_rows = 0;
  std::vector<RowColumn> columns;
  std::vector<std::vector<std::string>> keys;  // unique and NOT NULL, the primary key first
  std::string source;                          // for FROM instead of its name; see row_renames.h

  /// For people and evidence: "orders" when it is in public, else "sales.orders".
  std::string shown() const;
  /// For FROM and UPDATE: rows of its own, not those of tables that inherit from it.
  std::string from() const;
};
const RowColumn* find_column(const RowTable& table, const std::string& name);

struct RowReference {
  std::string name;
  int64_t child = 0, parent = 0;
  std::vector<std::string> from, to;
  std::vector<std::string> equals;  // an operator for each pair, parent first: OPERATOR(pg_catalog.=)
  std::vector<std::string> same;    // and for two values of the parent
  char on_delete = 'a', on_update = 'a';
  bool match_full = false;
  bool deferrable = false, deferred = false;
};

struct RowCatalogue {
  std::map<int64_t, RowTable> tables;  // by oid
  std::vector<RowReference> references;
  bool recode = false;  // bytes of its encoding do not stand in the order of UTF-8

  const RowTable* find(const std::string& schema, const std::string& name) const;
};
Result<RowCatalogue> read_row_catalogue(Connection& connection);

}  // namespace backout::postgresql
