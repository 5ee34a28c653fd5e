// CarryMap: for three schemas - checkpoint (base), what users write to (live), what will be swapped in (target) - which
// tables' rows can be matched by key, over which columns, and what else must be kept in a file. Pure.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "database/sqlite/value.h"
#include "schema/snapshot.h"

namespace backout::database {

enum class Affinity { kInteger, kText, kBlob, kReal, kNumeric };
/// By SQLite's rules for a declared type (https://www.sqlite.org/datatype3.html, section 3.1).
Affinity affinity_of(const schema::Column& column, const schema::Table& table);
std::string_view name_of(Affinity affinity);

struct KeyPart {
  size_t column = 0;  // position in Carry::columns
  Collation collation = Collation::kBinary;
};

/// One table whose rows can be matched.
struct Carry {
  std::string table;
  bool leave = false;                    // counted, not carried: by choice, or because a migrator keeps its books in it
  bool chosen = false;                   // the configuration has a word on it
  std::set<std::string> chosen_columns;  // and on these of its columns
  std::string rowid;         // not empty: there is no usable primary key; rows are matched by this name of the rowid
  std::string spare_rowid;   // the same, for when values of the key turn out to stand in several rows
  std::vector<KeyPart> key;  // otherwise
  std::vector<std::string> columns;       // in all three, not computed in the target
  std::vector<Affinity> affinities;       // of those columns in the target
  std::vector<schema::Column> only_live;  // new columns: their values go to the archive
  std::vector<std::string> only_target;   // columns that live does not have, and those set to leave: old rows keep the
                                          // target's value, new rows get the default
  bool convert_base = false;  // an affinity differs from the target's: values are converted before they are compared
  bool convert_live = false;
  bool key_may_repeat = false;  // in one of the three schemas it is not declared unique and NOT NULL
};

struct CarryMap {
  std::vector<Carry> tables;                // by name
  std::vector<std::string> new_tables;      // live only: archived whole
  std::vector<std::string> dropped_tables;  // not in live: stay as the target has them
  std::map<std::string, std::string>
      unkeyed;  // table -> why its rows cannot be matched: archived whole when they changed
};

enum class Choice { kCarry, kLeave };

CarryMap map_tables(const schema::Snapshot& base, const schema::Snapshot& live, const schema::Snapshot& target,
                    const std::map<std::string, Choice>& choices);

/// {"orders": "carry", "sessions": "leave", "orders.price": "leave"}; kInvalid on another word.
Result<std::map<std::string, Choice>> choices_from_json(const Json& tables);

}  // namespace backout::database
