// Foreign keys of a catalogue as a graph: whose rows go when rows of another table are deleted.
#pragma once
#include <set>
#include <string>
#include <vector>

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

 private:
  const Catalog& catalog_;
};

}  // namespace backout::schema::postgresql
