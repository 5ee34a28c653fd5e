// Sides: the checkpoint (base) and the live database, each held at one moment, and how their tables match a target's.
#pragma once
#include <map>
#include <string>

#include "database/sqlite/carry_map.h"
#include "database/sqlite/connection.h"
#include "database/sqlite/fingerprint.h"
#include "database/sqlite/merge.h"

namespace backout::database {

struct Sides {
  Connection base, live;
  schema::Snapshot base_schema, live_schema;
  Fingerprint live_digest;  // of the moment that everything here is of

  /// Reads only. kNotFound, kCorrupt; kUnsupported for a database in UTF-16, whose text cannot be compared as bytes.
  static Result<Sides> open(const std::string& base, const std::string& live);
};

struct TableDifference {
  std::string table;
  bool leave = false;
  Counter counter;
  std::string matched_by;  // "id", "order_id, line", "rowid"
};

/// What changed between base and live in one mapped table.
Result<TableDifference> count_table(Sides& sides, const Carry& carry);

/// "id", "order_id, line", "rowid".
std::string matched_by(const Carry& carry);

/// Did a table whose rows cannot be matched change at all? True when its columns did.
Result<bool> content_differs(Sides& sides, const std::string& table);

/// {"rows": {table: counts}, "columns": {table: {column: updates}}, "left": {table: counts}, "keys": {table: columns},
///  "unkeyed": {table: why}, "new_tables": [..], "dropped_tables": [..], "rewritten": [..], "undecided": [..],
///  "not_carried": [..], "live_digest": hex}.
/// A column in "rewritten" has another value in nearly all old rows: a migration's work rather than users'. It is
/// "undecided" ("orders.price") when the configuration has no word on it. "not_carried": sentences for people.
class DifferenceReport {
 public:
  void add(const TableDifference& difference, const Carry& carry, int64_t base_rows);
  Result<Json> json(const CarryMap& map, Sides& sides) const;

 private:
  void add_rewritten(const Carry& carry, const std::string& column, int64_t changes, int64_t base_rows);
  Json rows_ = Json::object(), columns_ = Json::object(), left_ = Json::object(), keys_ = Json::object(),
       rewritten_ = Json::array(), undecided_ = Json::array(), not_carried_ = Json::array();
};

/// Where values of a key stand in several rows (NULL in a primary key does), rows are matched by their rowid instead;
/// a table that has none that can be reached is unkeyed. `sides`: all that rows are matched between.
Result<void> settle_keys(CarryMap& map, const std::vector<Connection*>& sides);

/// Counts everything, changes nothing. `target`: the schema that rows would be carried onto; base's when empty.
Result<Json> count_differences(const std::string& base, const std::string& live, const std::string& target,
                               const std::map<std::string, Choice>& choices);

}  // namespace backout::database
