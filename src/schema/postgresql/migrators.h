// Migrators: tools that bring a database to the schema of a release, often as the first thing that a release does when
// it starts. What does one do when it finds migrations that it does not know? Pure.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "schema/compare.h"

namespace backout::schema::postgresql {

enum class WhenAhead { kTolerates, kRefuses, kUnknown };

struct Migrator {
  std::string_view tool;
  std::string_view table;    // where it keeps what is applied
  std::string_view columns;  // "app name applied": by which its table is told from another tool's of the same name
  std::string_view applied;  // SQL: the names of what is applied; %T is the table
  std::string_view trouble_table, trouble;  // SQL: why it would refuse whatever is applied; no row: nothing
  WhenAhead ahead;
  std::string_view words;  // what it does with a database that is ahead
};
/// The first line whose table and columns are there is the tool.
std::span<const Migrator> migrators();

/// What one migrator has noted in a database.
struct Migrations {
  std::string tool;
  std::string table;  // "public.django_migrations"
  std::vector<std::string> applied;
  std::string trouble;
  bool operator==(const Migrations&) const = default;
};

/// Adds a finding for each migrator of the old release. Call conclude() afterwards, or weigh().
void compare_migrations(const std::vector<Migrations>& wanted, const std::vector<Migrations>& there,
                        Comparison& comparison);

Json to_json(const std::vector<Migrations>& migrations);
/// What is not as to_json writes it is left out.
std::vector<Migrations> migrations_from_json(const Json& value);

}  // namespace backout::schema::postgresql
