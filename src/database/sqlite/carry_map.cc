#include "database/sqlite/carry_map.h"

#include <algorithm>
#include <set>

#include "schema/migration_books.h"

namespace backout::database {
namespace {

using schema::find_column;
using schema::find_table;
using schema::same_name;
using schema::Table;

std::optional<Collation> collation_of(const schema::Column& column) {
  if (same_name(column.collation, "BINARY")) return Collation::kBinary;
  if (same_name(column.collation, "NOCASE")) return Collation::kNocase;
  if (same_name(column.collation, "RTRIM")) return Collation::kRtrim;
  return std::nullopt;
}

bool readable(const schema::Column* column) { return column != nullptr && !column->hidden; }
bool writable(const schema::Column& column) { return !column.hidden && column.generated == schema::Generated::kNo; }

/// May two rows of `table` have the same values in the columns `key`?
bool may_repeat(const Table& table, const std::vector<std::string>& key) {
  auto own = primary_key(table);
  if (own.size() != key.size()) return true;
  for (const auto& name : key) {
    if (std::none_of(own.begin(), own.end(), [&](const std::string& other) { return same_name(other, name); }))
      return true;
    const auto* column = find_column(table, name);
    const bool rowid_alias = own.size() == 1 && same_name(column->type, "INTEGER");
    if (!table.without_rowid && !rowid_alias && !column->not_null) return true;  // SQLite lets such keys be NULL, often
  }
  return false;
}

/// A name by which the rowid can be reached in all three tables; empty when columns hide it or one has none.
std::string rowid_name(const Table& base, const Table& live, const Table& target) {
  for (const auto* table : {&base, &live, &target})
    if (table->without_rowid) return "";
  for (const char* name : {"rowid", "_rowid_", "oid"}) {
    if (find_column(base, name) == nullptr && find_column(live, name) == nullptr &&
        find_column(target, name) == nullptr)
      return name;
  }
  return "";
}

/// Fills the key; the reason when there is none.
std::string choose_key(const Table& base, const Table& live, const Table& target, Carry& carry) {
  const auto names = primary_key(target);
  if (names.empty()) {
    carry.rowid = rowid_name(base, live, target);
    return carry.rowid.empty() ? "it has no primary key, and its rowid cannot be reached" : "";
  }
  for (const auto& name : names) {
    const auto at = std::find_if(carry.columns.begin(), carry.columns.end(),
                                 [&](const std::string& other) { return same_name(other, name); });
    if (at == carry.columns.end()) return "its key column " + name + " is not in every schema";
    const auto* column = find_column(target, name);
    const auto collation = collation_of(*column);
    if (!collation)
      return "its key column " + name + " has the collation " + column->collation +
             ", which only the application knows";
    for (const auto* other : {&base, &live}) {
      const auto* there = find_column(*other, name);
      if (affinity_of(*there, *other) != affinity_of(*column, target))
        return "its key column " + name + " has changed its type";
    }
    carry.key.push_back({static_cast<size_t>(at - carry.columns.begin()), *collation});
  }
  carry.spare_rowid = rowid_name(base, live, target);
  for (const auto* table : {&base, &live, &target}) carry.key_may_repeat |= may_repeat(*table, names);
  return "";
}

/// Takes what the configuration says of the table and its columns: "orders" and "orders.price".
std::map<std::string, Choice> take_choices(const std::map<std::string, Choice>& choices, Carry& carry) {
  std::map<std::string, Choice> columns;
  for (const auto& [name, choice] : choices) {
    if (same_name(name, carry.table)) {
      carry.chosen = true;
      carry.leave = choice == Choice::kLeave;
    }
    const size_t dot = name.rfind('.');
    if (dot != std::string::npos && same_name(name.substr(0, dot), carry.table))
      columns[schema::lowered(name.substr(dot + 1))] = choice;
  }
  for (const auto& [column, choice] : columns) carry.chosen_columns.insert(column);
  return columns;
}

/// The reason why the rows cannot be matched, or empty.
std::string map_table(const Table& base, const Table& live, const Table& target,
                      const std::map<std::string, Choice>& choices, Carry& carry) {
  carry.table = target.name;
  carry.leave = schema::is_migration_book(target.name);
  const std::map<std::string, Choice> by_column = take_choices(choices, carry);
  for (const auto& column : target.columns) {
    if (!writable(column)) continue;
    const auto* in_live = find_column(live, column.name);
    const auto* in_base = find_column(base, column.name);
    const auto chosen = by_column.find(schema::lowered(column.name));
    const bool left = chosen != by_column.end() && chosen->second == Choice::kLeave;
    if (left && readable(in_live)) carry.only_live.push_back(*in_live);
    if (left || !readable(in_live) || !readable(in_base)) {
      carry.only_target.push_back(column.name);
      continue;
    }
    const Affinity affinity = affinity_of(column, target);
    carry.columns.push_back(column.name);
    carry.affinities.push_back(affinity);
    carry.convert_live = carry.convert_live || affinity_of(*in_live, live) != affinity;
    carry.convert_base = carry.convert_base || affinity_of(*in_base, base) != affinity;
  }
  for (const auto& column : live.columns)
    if (writable(column) && find_column(target, column.name) == nullptr) carry.only_live.push_back(column);
  if (carry.columns.empty()) return "it has no column that every schema has";
  return choose_key(base, live, target, carry);
}

bool holds_rows(const Table& table) { return table.kind != schema::TableKind::kVirtual; }

}  // namespace

Affinity affinity_of(const schema::Column& column, const Table& table) {
  const std::string type = schema::lowered(column.type);
  const auto has = [&](std::string_view part) { return type.find(part) != std::string::npos; };
  if (table.strict && type == "any") return Affinity::kBlob;
  if (has("int")) return Affinity::kInteger;
  if (has("char") || has("clob") || has("text")) return Affinity::kText;
  if (has("blob") || type.empty()) return Affinity::kBlob;
  if (has("real") || has("floa") || has("doub")) return Affinity::kReal;
  return Affinity::kNumeric;
}

std::string_view name_of(Affinity affinity) {
  switch (affinity) {
    case Affinity::kInteger: return "INTEGER";
    case Affinity::kText: return "TEXT";
    case Affinity::kBlob: return "BLOB";
    case Affinity::kReal: return "REAL";
    case Affinity::kNumeric: return "NUMERIC";
  }
  return "BLOB";
}

CarryMap map_tables(const schema::Snapshot& base, const schema::Snapshot& live, const schema::Snapshot& target,
                    const std::map<std::string, Choice>& choices) {
  CarryMap map;
  for (const auto& table : target.tables) {
    if (!holds_rows(table)) continue;
    const Table* in_live = find_table(live, table.name);
    const Table* in_base = find_table(base, table.name);
    if (in_live == nullptr || !holds_rows(*in_live)) {
      map.dropped_tables.push_back(table.name);
      continue;
    }
    if (in_base == nullptr || !holds_rows(*in_base)) {
      map.unkeyed[table.name] = "the checkpoint does not have it";
      continue;
    }
    Carry carry;
    if (const std::string why = map_table(*in_base, *in_live, table, choices, carry); !why.empty()) {
      map.unkeyed[table.name] = why;
      continue;
    }
    map.tables.push_back(std::move(carry));
  }
  for (const auto& table : live.tables)
    if (holds_rows(table) && find_table(target, table.name) == nullptr) map.new_tables.push_back(table.name);
  return map;
}

Result<std::map<std::string, Choice>> choices_from_json(const Json& tables) {
  std::map<std::string, Choice> choices;
  if (tables.is_null()) return choices;
  for (const auto& [name, choice] : tables.items()) {
    if (choice == "carry") {
      choices[name] = Choice::kCarry;
    } else if (choice == "leave") {
      choices[name] = Choice::kLeave;
    } else {
      return Error{Code::kInvalid,
                   "tables: " + name + " is '" + (choice.is_string() ? choice.get<std::string>() : choice.dump()) + "'",
                   "write carry or leave"};
    }
  }
  return choices;
}

}  // namespace backout::database
