// RowMap: for two databases - the one that users write to (live) and the one that rows go into (target) - which
// tables' rows can be matched, by what, over which columns, and what else must be kept in a file. Pure.
//
// Tables are matched by schema and name, columns by name.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "database/postgresql/row_catalogue.h"

namespace backout::postgresql {

enum class RowChoice { kCarry, kLeave };
/// {"orders": "carry", "sales.sessions": "leave", "orders.price": "leave"}; kInvalid on another word.
Result<std::map<std::string, RowChoice>> row_choices(const Json& tables);

/// How a part of a key stands in order, on both sides alike.
enum class KeyOrder { kInteger, kUuid, kBytes };

struct MappedColumn {
  std::string name;
  RowColumn target, live;
  bool converts = false;              // the types differ, or are the application's own: values go through text
  KeyOrder order = KeyOrder::kBytes;  // of key columns
};

/// One table whose rows can be matched.
struct MappedTable {
  RowTable live, target;
  std::string shown;
  bool leave = false;                    // counted, not carried
  bool chosen = false;                   // the configuration has a word on it
  std::set<std::string> chosen_columns;  // and on these of its columns
  bool multiset = false;                 // no key: rows are matched by all that is in them, equal ones by their number
  std::vector<MappedColumn> columns;     // those both have; the key's first
  bool recode = false;                   // the databases are not in UTF-8: text is ordered as if they were
  size_t key_size = 0;                   // so many of them; all when it is a multiset
  std::vector<std::string> only_live, only_target;
  std::map<std::string, std::string> fill;  // of only_target: what rows that live has more of get there

  /// Columns that such rows must have a value for, and get none.
  std::vector<std::string> unfilled() const;

  bool converts() const;
  bool by_integer() const { return !multiset && key_size == 1 && columns.front().order == KeyOrder::kInteger; }
  /// "id", "order_id, line", "all columns".
  std::string matched_by() const;
};

struct RowMap {
  std::vector<MappedTable> tables;             // by name
  std::map<std::string, std::string> unkeyed;  // shown name -> why its rows cannot be matched
  std::vector<RowTable> new_tables;            // live only
  std::vector<std::string> dropped_tables;     // target only
  const MappedTable* find(int64_t target_oid) const;
  /// Forgets all tables but these, by their shown names.
  void keep_only(const std::set<std::string>& tables);
};

/// Values for columns that new rows have none for: {"orders.note": ""}.
using RowFill = std::map<std::string, std::string>;
Result<RowFill> row_fill(const Json& fill);

RowMap map_rows(const RowCatalogue& live, const RowCatalogue& target, const std::map<std::string, RowChoice>& choices,
                const RowFill& fill = {});

}  // namespace backout::postgresql
