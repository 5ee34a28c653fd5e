#include "schema/snapshot.h"

#include "base/hash.h"
#include "model/names.h"

namespace backout::schema {
namespace {

constexpr NameTable<Generated, 3> kGenerated{
    {{Generated::kNo, "no"}, {Generated::kVirtual, "virtual"}, {Generated::kStored, "stored"}}};
constexpr NameTable<TableKind, 3> kTableKinds{
    {{TableKind::kTable, "table"}, {TableKind::kVirtual, "virtual"}, {TableKind::kShadow, "shadow"}}};

Json to_json(const Column& column) {
  Json value{{"name", column.name}, {"type", column.type}};
  if (column.not_null) value["not_null"] = true;
  if (column.default_text) value["default"] = *column.default_text;
  if (column.key_position != 0) value["key"] = column.key_position;
  if (column.generated != Generated::kNo) value["generated"] = name_in(kGenerated, column.generated);
  if (column.hidden) value["hidden"] = true;
  if (column.collation != "BINARY") value["collation"] = column.collation;
  return value;
}

Json to_json(const Index& index) {
  Json parts = Json::array();
  for (const auto& part : index.parts)
    parts.push_back({{"column", part.column}, {"collation", part.collation}, {"descending", part.descending}});
  return {{"name", index.name},       {"unique", index.unique}, {"origin", index.origin},
          {"partial", index.partial}, {"parts", parts},         {"sql", index.sql}};
}

Json to_json(const ForeignKey& key) {
  return {{"parent", key.parent},
          {"from", key.from},
          {"to", key.to},
          {"on_update", key.on_update},
          {"on_delete", key.on_delete}};
}

std::vector<std::string> strings(const Json& list) {
  std::vector<std::string> out;
  if (list.is_array())
    for (const auto& item : list)
      if (item.is_string()) out.push_back(item.get<std::string>());
  return out;
}

Result<Column> column_from(const Json& value) {
  Column column{.name = get_string(value, "name"),
                .type = get_string(value, "type"),
                .not_null = get_bool(value, "not_null"),
                .key_position = static_cast<int>(get_int(value, "key")),
                .hidden = get_bool(value, "hidden"),
                .collation = get_string(value, "collation", "BINARY")};
  if (get(value, "default").is_string()) column.default_text = get_string(value, "default");
  column.generated = TRY(value_in(kGenerated, get_string(value, "generated", "no"), "kind of column"));
  return column;
}

Index index_from(const Json& value) {
  Index index{.name = get_string(value, "name"),
              .unique = get_bool(value, "unique"),
              .origin = get_string(value, "origin"),
              .partial = get_bool(value, "partial"),
              .sql = get_string(value, "sql")};
  for (const auto& part : get(value, "parts"))
    index.parts.push_back({get_string(part, "column"), get_string(part, "collation"), get_bool(part, "descending")});
  return index;
}

Result<Table> table_from(const Json& value) {
  Table table{.name = get_string(value, "name"),
              .without_rowid = get_bool(value, "without_rowid"),
              .strict = get_bool(value, "strict"),
              .autoincrement = get_bool(value, "autoincrement"),
              .sql = get_string(value, "sql")};
  if (table.name.empty()) return Error{Code::kCorrupt, "a table without a name in a schema snapshot", ""};
  table.kind = TRY(value_in(kTableKinds, get_string(value, "kind"), "kind of table"));
  for (const auto& column : get(value, "columns")) table.columns.push_back(TRY(column_from(column)));
  for (const auto& index : get(value, "indexes")) table.indexes.push_back(index_from(index));
  for (const auto& key : get(value, "foreign_keys"))
    table.foreign_keys.push_back({get_string(key, "parent"), strings(get(key, "from")), strings(get(key, "to")),
                                  get_string(key, "on_update"), get_string(key, "on_delete")});
  return table;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string lowered(std::string_view name) {
  std::string out(name);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

const Table* find_table(const Snapshot& snapshot, std::string_view name) {
  for (const auto& table : snapshot.tables)
    if (same_name(table.name, name)) return &table;
  return nullptr;
}

const Column* find_column(const Table& table, std::string_view name) {
  for (const auto& column : table.columns)
    if (same_name(column.name, name)) return &column;
  return nullptr;
}

std::vector<std::string> primary_key(const Table& table) {
  std::map<int, std::string> by_position;
  for (const auto& column : table.columns)
    if (column.key_position > 0) by_position[column.key_position] = column.name;
  std::vector<std::string> names;
  for (const auto& [position, name] : by_position) names.push_back(name);
  return names;
}

Json to_json(const Snapshot& snapshot) {
  Json tables = Json::array(), triggers = Json::array(), views = Json::array();
  for (const auto& table : snapshot.tables) {
    Json value{{"name", table.name}, {"kind", name_in(kTableKinds, table.kind)}, {"sql", table.sql}};
    value["columns"] = Json::array();
    for (const auto& column : table.columns) value["columns"].push_back(to_json(column));
    for (const auto& index : table.indexes) value["indexes"].push_back(to_json(index));
    for (const auto& key : table.foreign_keys) value["foreign_keys"].push_back(to_json(key));
    if (table.without_rowid) value["without_rowid"] = true;
    if (table.strict) value["strict"] = true;
    if (table.autoincrement) value["autoincrement"] = true;
    tables.push_back(std::move(value));
  }
  for (const auto& trigger : snapshot.triggers)
    triggers.push_back({{"name", trigger.name}, {"table", trigger.table}, {"sql", trigger.sql}});
  for (const auto& view : snapshot.views) views.push_back({{"name", view.name}, {"sql", view.sql}});
  return {{"tables", tables},
          {"triggers", triggers},
          {"views", views},
          {"user_version", snapshot.user_version},
          {"application_id", snapshot.application_id}};
}

Result<Snapshot> snapshot_from_json(const Json& value) {
  if (!value.is_object() || !get(value, "tables").is_array())
    return Error{Code::kCorrupt, "this is not a schema snapshot: it has no list of tables",
                 "take a new checkpoint: backout checkpoint"};
  Snapshot snapshot;
  for (const auto& table : get(value, "tables")) snapshot.tables.push_back(TRY(table_from(table)));
  for (const auto& trigger : get(value, "triggers"))
    snapshot.triggers.push_back(
        {get_string(trigger, "name"), get_string(trigger, "table"), get_string(trigger, "sql")});
  for (const auto& view : get(value, "views"))
    snapshot.views.push_back({get_string(view, "name"), get_string(view, "sql")});
  snapshot.user_version = get_int(value, "user_version");
  snapshot.application_id = get_int(value, "application_id");
  return snapshot;
}

std::string hash_of(const Snapshot& snapshot) { return sha256_hex(canonical(to_json(snapshot))); }

}  // namespace backout::schema
