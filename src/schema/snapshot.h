// Snapshot: what a database promises to the code that uses it - tables, columns, keys, constraints, triggers, views.
//
// A pure value, read from a real database by src/database and kept in checkpoints as JSON. Names are as the database
// spells them; comparisons of names ignore ASCII case, as SQLite does. Everything is sorted by name except the columns,
// whose order is part of the promise (SELECT *, INSERT without a column list).
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace backout::schema {

enum class Generated { kNo, kVirtual, kStored };
enum class TableKind { kTable, kVirtual, kShadow };

struct Column {
  std::string name;
  std::string type;  // as declared; may be empty
  bool not_null = false;
  std::optional<std::string> default_text;  // the SQL of its DEFAULT
  int key_position = 0;                     // 1.. in the primary key; 0: not part of it
  Generated generated = Generated::kNo;
  bool hidden = false;  // of a virtual table
  std::string collation = "BINARY";
  bool operator==(const Column&) const = default;
};

struct IndexPart {
  std::string column;  // empty: an expression
  std::string collation;
  bool descending = false;
  bool operator==(const IndexPart&) const = default;
};

struct Index {
  std::string name;
  bool unique = false;
  std::string origin;  // "c" by CREATE INDEX, "u" by UNIQUE, "pk" by PRIMARY KEY
  bool partial = false;
  std::vector<IndexPart> parts;
  std::string sql;  // empty for those that a constraint made
  bool operator==(const Index&) const = default;
};

struct ForeignKey {
  std::string parent;
  std::vector<std::string> from;
  std::vector<std::string> to;  // empty: the parent's primary key
  std::string on_update, on_delete;
  bool operator==(const ForeignKey&) const = default;
};

struct Table {
  std::string name;
  TableKind kind = TableKind::kTable;
  bool without_rowid = false;
  bool strict = false;
  bool autoincrement = false;
  std::vector<Column> columns;
  std::vector<Index> indexes;
  std::vector<ForeignKey> foreign_keys;
  std::string sql;  // the CREATE statement as stored: the only place where CHECK and ON CONFLICT can be seen
  bool operator==(const Table&) const = default;
};

struct Trigger {
  std::string name, table, sql;
  bool operator==(const Trigger&) const = default;
};

struct View {
  std::string name, sql;
  bool operator==(const View&) const = default;
};

struct Snapshot {
  std::vector<Table> tables;
  std::vector<Trigger> triggers;
  std::vector<View> views;
  int64_t user_version = 0;
  int64_t application_id = 0;
  bool operator==(const Snapshot&) const = default;
};

/// ASCII case-insensitive, as SQLite compares names.
bool same_name(std::string_view a, std::string_view b);
std::string lowered(std::string_view name);

const Table* find_table(const Snapshot& snapshot, std::string_view name);
const Column* find_column(const Table& table, std::string_view name);
/// Names of the primary key in key order; empty when none is declared.
std::vector<std::string> primary_key(const Table& table);

Json to_json(const Snapshot& snapshot);
/// kCorrupt when it is not what to_json made.
Result<Snapshot> snapshot_from_json(const Json& value);
/// SHA-256 over the canonical JSON: equal when nothing at all differs.
std::string hash_of(const Snapshot& snapshot);

}  // namespace backout::schema
