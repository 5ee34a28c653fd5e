// DownFacts: what the SQL of a down takes away, as far as its text says: by PostgreSQL's own parser. Pure.
#pragma once
#include <string>
#include <vector>

#include "base/result.h"

namespace backout::postgresql {

struct Taken {
  enum class Kind { kTable, kColumn, kType };  // dropped, dropped, changed into `type`
  Kind kind = Kind::kTable;
  std::string table, column, type;  // names as written: "orders" or "public.orders"
  bool operator==(const Taken&) const = default;
};

struct DownFacts {
  std::vector<Taken> taken;
  std::vector<std::string> writes;   // "UPDATE orders": rows become others
  std::vector<std::string> unknown;  // what nobody can see into: "DO", "code that is not SQL"
  int statements = 0;                // but for BEGIN and COMMIT
};

/// A text that the parser does not take is unknown, never harmless.
DownFacts facts_of_down(const std::string& sql);

}  // namespace backout::postgresql
