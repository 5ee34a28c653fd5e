#include "database/postgresql/base_catalogue.h"

#include <algorithm>

namespace backout::postgresql {
namespace {

using schema::postgresql::Table;

/// "numeric(10,2)" without its length and precision, wherever they stand.
std::string without_modifier(const std::string& type) {
  const size_t open = type.find('('), close = type.find(')', open);
  if (open == std::string::npos || close == std::string::npos) return type;
  return type.substr(0, open) + type.substr(close + 1);
}

bool is_partition(const Table& table) { return !table.partition_bound.empty() && !table.parents.empty(); }

std::vector<std::vector<std::string>> keys_of(const Table& table) {
  const auto never_null = [&](const std::string& name) {
    return std::any_of(table.columns.begin(), table.columns.end(),
                       [&](const auto& column) { return column.name == name && column.not_null; });
  };
  std::vector<std::vector<std::string>> keys;
  for (const auto& constraint : table.constraints)
    if (constraint.type == "primary key") keys.push_back(constraint.columns);
  for (const auto& index : table.indexes) {
    const bool whole = index.unique && index.valid && index.ready && index.expressions.empty() &&
                       index.predicate.empty() && !index.columns.empty();
    if (!whole || !std::all_of(index.columns.begin(), index.columns.end(), never_null)) continue;
    if (std::find(keys.begin(), keys.end(), index.columns) == keys.end()) keys.push_back(index.columns);
  }
  return keys;
}

RowTable row_table(const Table& table) {
  RowTable out;
  out.oid = table.oid;
  out.schema = table.schema;
  out.name = table.name;
  out.partitioned = table.kind == "partitioned table";
  for (const auto& column : table.columns) {
    RowColumn row;
    row.name = column.name;
    row.type = column.type;
    row.base_type = without_modifier(column.type);
    row.builtin = column.type.find('.') == std::string::npos;
    row.not_null = column.not_null;
    row.has_default = column.default_text.has_value() || !column.identity.empty();
    row.generated = !column.generated.empty();
    row.identity_always = column.identity == "always";
    out.columns.push_back(std::move(row));
  }
  out.keys = keys_of(table);
  return out;
}

}  // namespace

std::pair<std::string, std::string> names_in(std::string_view quoted) {
  std::pair<std::string, std::string> names;
  std::string* into = &names.first;
  bool inside = false;
  for (size_t i = 0; i < quoted.size(); ++i) {
    if (quoted[i] == '"') {
      if (inside && i + 1 < quoted.size() && quoted[i + 1] == '"')
        *into += quoted[++i];
      else
        inside = !inside;
    } else if (quoted[i] == '.' && !inside && into == &names.first) {
      into = &names.second;
    } else {
      *into += quoted[i];
    }
  }
  return names;
}

Result<BaseCatalogue> base_catalogue(const Manifest& manifest) {
  BaseCatalogue base;
  base.catalog =
      TRY(schema::postgresql::catalog_from_json(manifest.catalog).with_context("the checkpoint's catalogue"));
  std::map<std::string, const Table*> by_name;
  for (const Table& table : base.catalog.tables)
    if (table.kind == "table" || table.kind == "partitioned table") by_name[table.full_name()] = &table;
  for (const auto& [name, table] : by_name)
    if (!is_partition(*table)) {
      base.rows.tables[table->oid] = row_table(*table);
      base.tables[table->oid];
    }
  for (const auto& [quoted, content] : manifest.content.tables) {
    const auto names = names_in(quoted);
    const std::string full_name = names.first + "." + names.second;
    const auto found = by_name.find(full_name);
    if (found == by_name.end()) {
      base.others.insert(full_name);
      continue;
    }
    const Table* root = found->second;
    while (root != nullptr && is_partition(*root)) {
      const auto parent = by_name.find(root->parents.front());
      root = parent == by_name.end() ? nullptr : parent->second;
    }
    if (root == nullptr) return Error{Code::kCorrupt, "nothing has " + quoted + " as its partition", ""};
    BaseTable& table = base.tables[root->oid];
    table.rows += content.rows;
    table.leaves.insert(found->second->oid);
    table.content[quoted] = content;
    base.root_of[found->second->oid] = root->oid;
  }
  return base;
}

}  // namespace backout::postgresql
