// Habits: what the code of a release asks of the database, saved while it runs, so that it can be tried on a schema
// that came later: its statements, and what its migrator has noted.
#pragma once
#include <string>

#include "database/postgresql/connection.h"
#include "schema/compare.h"
#include "schema/postgresql/catalog.h"

namespace backout::postgresql {

/// The file beside a dump's manifest.
std::string habits_beside(const std::string& manifest);

/// Saves them, mode 0600: statements hold no values, but names. That there are none is saved, too, and why.
/// `migrations`: the tool that is configured, or null; asked for what is applied when its table is not one of those
/// known. That it cannot be asked is no error.
Result<void> save_habits(const Server& server, const std::string& database, const std::string& path,
                         const Json& migrations);

/// The comparison of two catalogues with what the habits show: statements tried on `there`, migrators asked. `path`
/// empty: the catalogues alone. `there`: not inside of a transaction.
Result<schema::Comparison> compare_with_habits(const schema::postgresql::Catalog& wanted,
                                               const schema::postgresql::Catalog& now, Connection& there,
                                               const std::string& path);

}  // namespace backout::postgresql
