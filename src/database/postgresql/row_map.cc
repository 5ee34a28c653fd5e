#include "database/postgresql/row_map.h"

#include <algorithm>

#include "base/text.h"
#include "schema/migration_books.h"

namespace backout::postgresql {
namespace {

bool is_whole_number(const std::string& type) { return type == "smallint" || type == "integer" || type == "bigint"; }
bool is_words(const std::string& type) { return type == "text" || type == "character varying"; }

/// May values of both types be compared as parts of a key?
bool same_family(const RowColumn& a, const RowColumn& b) {
  return a.type == b.type || (is_whole_number(a.base_type) && is_whole_number(b.base_type)) ||
         (is_words(a.base_type) && is_words(b.base_type));
}

KeyOrder order_of(const RowColumn& column) {
  if (is_whole_number(column.base_type)) return KeyOrder::kInteger;
  return column.base_type == "uuid" ? KeyOrder::kUuid : KeyOrder::kBytes;
}

bool contains_key(const RowTable& table, std::vector<std::string> key) {
  std::sort(key.begin(), key.end());
  return std::any_of(table.keys.begin(), table.keys.end(), [&](std::vector<std::string> other) {
    std::sort(other.begin(), other.end());
    return other == key;
  });
}

/// The columns of the key that both tables have; empty when there is none.
std::vector<std::string> choose_key(const MappedTable& table) {
  for (const auto& key : table.target.keys) {
    if (!contains_key(table.live, key)) continue;
    const bool usable = std::all_of(key.begin(), key.end(), [&](const std::string& name) {
      const auto at = std::find_if(table.columns.begin(), table.columns.end(),
                                   [&](const MappedColumn& column) { return column.name == name; });
      return at != table.columns.end() && same_family(at->live, at->target);
    });
    if (usable) return key;
  }
  return {};
}

void put_key_first(MappedTable& table, const std::vector<std::string>& key) {
  for (size_t i = 0; i < key.size(); ++i) {
    const auto at = std::find_if(table.columns.begin(), table.columns.end(),
                                 [&](const MappedColumn& column) { return column.name == key[i]; });
    std::rotate(table.columns.begin() + static_cast<ptrdiff_t>(i), at, at + 1);
    table.columns[i].order = order_of(table.columns[i].target);
  }
  table.key_size = key.size();
}

/// Takes what the configuration says of the table and its columns.
std::map<std::string, RowChoice> take_choices(const std::map<std::string, RowChoice>& choices, MappedTable& table) {
  std::map<std::string, RowChoice> columns;
  std::vector<std::string> names{table.target.schema + "." + table.target.name};
  if (table.target.schema == "public") names.push_back(table.target.name);
  for (const std::string& name : names) {
    if (const auto found = choices.find(name); found != choices.end()) {
      table.chosen = true;
      table.leave = found->second == RowChoice::kLeave;
    }
    for (const RowColumn& column : table.target.columns)
      if (const auto found = choices.find(name + "." + column.name); found != choices.end())
        columns[column.name] = found->second;
  }
  for (const auto& [column, choice] : columns) table.chosen_columns.insert(column);
  return columns;
}

void map_columns(MappedTable& table, const std::map<std::string, RowChoice>& choices) {
  for (const RowColumn& column : table.target.columns) {
    if (column.generated) continue;
    const RowColumn* in_live = find_column(table.live, column.name);
    const auto chosen = choices.find(column.name);
    const bool left = chosen != choices.end() && chosen->second == RowChoice::kLeave;
    if (left && in_live != nullptr) table.only_live.push_back(column.name);
    if (left || in_live == nullptr) {
      table.only_target.push_back(column.name);
      continue;
    }
    const bool same = column.builtin && in_live->builtin && column.type == in_live->type;
    table.columns.push_back({.name = column.name, .target = column, .live = *in_live, .converts = !same});
  }
  for (const RowColumn& column : table.live.columns)
    if (!column.generated && find_column(table.target, column.name) == nullptr) table.only_live.push_back(column.name);
}

void take_fill(MappedTable& table, const RowFill& fill) {
  for (const std::string& column : table.only_target)
    for (const std::string& name : {table.target.schema + "." + table.target.name, table.target.shown()})
      if (const auto found = fill.find(name + "." + column); found != fill.end()) table.fill[column] = found->second;
}

/// The reason why its rows cannot be matched, or empty.
std::string map_table(MappedTable& table, const std::map<std::string, RowChoice>& choices) {
  table.shown = table.target.shown();
  table.leave = schema::is_migration_book(table.target.name);
  map_columns(table, take_choices(choices, table));
  if (table.columns.empty()) return "it has no column that both databases have";
  const auto key = choose_key(table);
  if (!key.empty()) {
    put_key_first(table, key);
    return "";
  }
  table.multiset = true;
  table.key_size = table.columns.size();
  if (!table.only_target.empty())
    return "it has no key that both databases have, and " + table.only_target.front() + " is in only one of them";
  for (const MappedColumn& column : table.columns)
    if (column.converts)
      return "it has no key that both databases have, and " + column.name + " is of a type that may differ";
  return "";
}

}  // namespace

bool MappedTable::converts() const {
  return std::any_of(columns.begin(), columns.end(), [](const MappedColumn& column) { return column.converts; });
}

std::vector<std::string> MappedTable::unfilled() const {
  std::vector<std::string> names;
  for (const std::string& name : only_target)
    if (const RowColumn* column = find_column(target, name);
        column != nullptr && column->not_null && !column->has_default && !fill.contains(name))
      names.push_back(name);
  return names;
}

std::string MappedTable::matched_by() const {
  if (multiset) return "all columns";
  std::vector<std::string> names;
  for (size_t i = 0; i < key_size; ++i) names.push_back(columns[i].name);
  return join(names, ", ");
}

const MappedTable* RowMap::find(int64_t target_oid) const {
  for (const MappedTable& table : tables)
    if (table.target.oid == target_oid) return &table;
  return nullptr;
}

void RowMap::keep_only(const std::set<std::string>& only) {
  std::erase_if(tables, [&](const MappedTable& table) { return !only.contains(table.shown); });
  std::erase_if(unkeyed, [&](const auto& table) { return !only.contains(table.first); });
  std::erase_if(new_tables, [&](const RowTable& table) { return !only.contains(table.shown()); });
  dropped_tables.clear();
}

RowMap map_rows(const RowCatalogue& live, const RowCatalogue& target, const std::map<std::string, RowChoice>& choices,
                const RowFill& fill) {
  RowMap map;
  for (const auto& [oid, table] : target.tables) {
    const RowTable* in_live = live.find(table.schema, table.name);
    if (in_live == nullptr) {
      map.dropped_tables.push_back(table.shown());
      continue;
    }
    MappedTable mapped;
    mapped.live = *in_live;
    mapped.target = table;
    mapped.recode = live.recode || target.recode;
    if (const std::string why = map_table(mapped, choices); !why.empty()) {
      map.unkeyed[table.shown()] = why;
    } else {
      take_fill(mapped, fill);
      map.tables.push_back(std::move(mapped));
    }
  }
  for (const auto& [oid, table] : live.tables)
    if (target.find(table.schema, table.name) == nullptr) map.new_tables.push_back(table);
  const auto by_name = [](const auto& a, const auto& b) { return a.shown < b.shown; };
  std::sort(map.tables.begin(), map.tables.end(), by_name);
  std::sort(map.dropped_tables.begin(), map.dropped_tables.end());
  std::sort(map.new_tables.begin(), map.new_tables.end(),
            [](const RowTable& a, const RowTable& b) { return a.shown() < b.shown(); });
  return map;
}

Result<RowFill> row_fill(const Json& fill) {
  RowFill values;
  if (fill.is_null()) return values;
  for (const auto& [name, value] : fill.items()) {
    if (!value.is_string()) return Error{Code::kInvalid, "fill: " + name + " is no text", ""};
    values[name] = value.get<std::string>();
  }
  return values;
}

Result<std::map<std::string, RowChoice>> row_choices(const Json& tables) {
  std::map<std::string, RowChoice> choices;
  if (tables.is_null()) return choices;
  for (const auto& [name, choice] : tables.items()) {
    if (choice == "carry") {
      choices[name] = RowChoice::kCarry;
    } else if (choice == "leave") {
      choices[name] = RowChoice::kLeave;
    } else {
      return Error{Code::kInvalid,
                   "tables: " + name + " is '" + (choice.is_string() ? choice.get<std::string>() : choice.dump()) + "'",
                   "write carry or leave"};
    }
  }
  return choices;
}

}  // namespace backout::postgresql
