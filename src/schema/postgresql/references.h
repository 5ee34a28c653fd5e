// Foreign keys of a catalogue as a graph: whose rows go when rows of another table are deleted.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "base/text.h"
#include "schema/compare.h"
#include "schema/postgresql/catalog.h"

namespace backout::schema::postgresql {

class References {
 public:
  explicit References(const Catalog& catalog) : catalog_(catalog) {}
  /// ON DELETE NO ACTION, RESTRICT or SET DEFAULT.
  static bool refuses_deletes(const Constraint& key) {
    return key.on_delete != "cascade" && key.on_delete != "set null";
  }
  /// These tables, and those whose deletes cascade into them.
  std::vector<std::string> that_delete_from(const std::vector<std::string>& tables) const {
    std::set<std::string> all(tables.begin(), tables.end());
    for (size_t before = 0; before != all.size();) {
      before = all.size();
      for (const Table& table : catalog_.tables)
        for (const Constraint& key : table.constraints)
          if (key.type == "foreign key" && key.on_delete == "cascade" && all.contains(table.full_name()))
            all.insert(key.parent);
    }
    return {all.begin(), all.end()};
  }

  /// Where `keys` of `table` stand in the way of deletes or of changes of keys, and whether any row does.
  Question question(Question::Kind kind, const Table& table, const std::vector<const Constraint*>& keys) const {
    Question out{.kind = kind};
    std::vector<std::string> selects;
    for (const Constraint* key : keys) {
      out.tables.push_back(key->parent);
      for (const auto& column : key->parent_columns) out.columns.push_back(key->parent + "." + column);
      std::vector<std::string> given;
      for (const auto& column : key->columns) given.push_back(quoted_name(column) + " IS NOT NULL");
      selects.push_back("(SELECT 1 FROM " + quoted_name(table.schema) + "." + quoted_name(table.name) + " WHERE " +
                        join(given, " AND ") + " LIMIT 1)");
    }
    if (kind == Question::Kind::kDeletes) out.tables = that_delete_from(out.tables);
    out.probe = join(selects, " UNION ALL ");
    return out;
  }
  static std::string quoted_name(const std::string& name) { return "\"" + replaced(name, "\"", "\"\"") + "\""; }

 private:
  const Catalog& catalog_;
};

}  // namespace backout::schema::postgresql
