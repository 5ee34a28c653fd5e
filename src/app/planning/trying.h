// Trying: a migration on a copy of the live database, before it is deployed: does it run, and what would a rollback of
// it have to do.
#pragma once
#include <functional>
#include <string>

#include "app/site/workspace.h"

namespace backout::app {

struct Tried {
  std::string file, database;
  bool applied = false;
  std::string why_not;  // where and what the server said
  Millis took{0};       // of the migration alone
  int64_t rows = 0;     // of the copy
  std::string rung;     // what a rollback would do with the database: "leave", "restore"
  std::string why;
};

/// kUnsupported: the site has no PostgreSQL database.
Result<Tried> try_migration(const Where& where, const std::string& file,
                            const std::function<void(const std::string&)>& said, const std::stop_token& stop);

Json to_json(const Tried& tried);

}  // namespace backout::app
