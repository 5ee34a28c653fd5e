#include "app/planning/rung.h"

#include "database/postgresql/rung.h"
#include "database/sqlite/rung.h"

namespace backout::app {

Result<schema::Comparison> decide_rung(const DatabaseConfig& database, const Json& saved, const Json& seen,
                                       const std::string& forced) {
  return database.kind == "postgresql" ? postgresql::decide_rung(saved, seen, forced)
                                       : database::decide_rung(saved, seen, forced);
}

}  // namespace backout::app
