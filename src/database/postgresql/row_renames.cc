#include "database/postgresql/row_renames.h"

#include "base/text.h"

namespace backout::postgresql {
namespace {

void rename_columns(RowTable& table, const std::map<std::string, std::string>& before_to_now) {
  std::map<std::string, std::string> back;
  for (const auto& [before, now] : before_to_now) back[now] = before;
  const auto before = [&](const std::string& name) {
    const auto found = back.find(name);
    return found == back.end() ? name : found->second;
  };
  std::vector<std::string> list;
  for (RowColumn& column : table.columns) {
    list.push_back("t." + sql_name(column.name) + " AS " + sql_name(before(column.name)));
    column.name = before(column.name);
  }
  for (auto& key : table.keys)
    for (std::string& name : key) name = before(name);
  table.source = "(SELECT " + join(list, ", ") + " FROM " + table.from() + " AS t)";
}

}  // namespace

void rename_as_before(RowCatalogue& live, const schema::postgresql::Renames& renames) {
  for (auto& [oid, table] : live.tables)
    for (const auto& [before, names] : renames) {
      if (names.table != table.schema + "." + table.name) continue;
      rename_columns(table, names.columns);
      const size_t dot = before.find('.');
      if (before != names.table && dot != std::string::npos) {
        table.schema = before.substr(0, dot);
        table.name = before.substr(dot + 1);
      }
      break;
    }
}

}  // namespace backout::postgresql
