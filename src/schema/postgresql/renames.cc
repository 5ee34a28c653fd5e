#include "schema/postgresql/renames.h"

#include <algorithm>

namespace backout::schema::postgresql {

Renames renames(const Catalog& before, const Catalog& now) {
  Renames found;
  if (before.origin.empty() || before.origin != now.origin) return found;
  for (const Table& table : before.tables) {
    if (table.is_view()) continue;
    const auto there =
        std::find_if(now.tables.begin(), now.tables.end(), [&](const Table& other) { return other.oid == table.oid; });
    if (there == now.tables.end()) continue;
    NewNames names{there->full_name(), {}};
    for (const Column& column : table.columns)
      for (const Column& other : there->columns)
        if (other.number == column.number && other.name != column.name) names.columns[column.name] = other.name;
    if (!names.columns.empty() || names.table != table.full_name()) found[table.full_name()] = std::move(names);
  }
  return found;
}

Renames inverse(const Renames& renames) {
  Renames turned;
  for (const auto& [before, names] : renames) {
    NewNames& back = turned[names.table];
    back.table = before;
    for (const auto& [column, now] : names.columns) back.columns[now] = column;
  }
  return turned;
}

Json to_json(const Renames& renames) {
  Json value = Json::object();
  for (const auto& [before, names] : renames) value[before] = {{"table", names.table}, {"columns", names.columns}};
  return value;
}

Renames renames_from_json(const Json& value) {
  Renames found;
  if (!value.is_object()) return found;
  for (const auto& [before, names] : value.items()) {
    NewNames& now = found[before];
    now.table = get_string(names, "table", before);
    const Json& columns = get(names, "columns");
    if (!columns.is_object()) continue;
    for (const auto& [column, name] : columns.items())
      if (name.is_string()) now.columns[column] = name.get<std::string>();
  }
  return found;
}

}  // namespace backout::schema::postgresql
