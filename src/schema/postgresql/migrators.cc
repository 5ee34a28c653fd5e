#include "schema/postgresql/migrators.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "schema/postgresql/rules.h"

namespace backout::schema::postgresql {
namespace {

constexpr RuleText kMigratorRules[] = {
    {"migrator-tolerates", Fit::kYes, "",
     "migrations that the release does not know are applied; its migrator starts all the same"},
    {"migrator-refuses", Fit::kNo, "M",
     "migrations that the release does not know are applied, and its migrator refuses such a database. If it runs when "
     "the release "
     "starts, the release does not start"},
    {"migrator-unclear", Fit::kNo, "MU",
     "migrations that the release does not know are applied, and what its migrator does then is not known"},
    {"migrator-behind", Fit::kNo, "WXD",
     "migrations that the release applied are no longer noted: its migrator applies them again"},
    {"migrator-stuck", Fit::kNo, "M", "its migrator refuses to work until somebody has seen to that"},
    {"migrator-added", Fit::kYes, "", "the release does not use it"},
};

// Knex, Django and Rails: seen with the real programs. The others: their documentation and issues, see
// docs/design/postgresql.md.
constexpr Migrator kMigrators[] = {
    {"Django", "django_migrations", "app name applied", "SELECT app || '.' || name FROM %T", "", "",
     WhenAhead::kTolerates, "applies nothing and says nothing"},
    {"golang-migrate", "schema_migrations", "version dirty", "SELECT version::text FROM %T", "schema_migrations",
     "SELECT 'version ' || version || ' is dirty' FROM %T WHERE dirty", WhenAhead::kRefuses,
     "no migration found for version"},
    {"Ecto", "schema_migrations", "version inserted_at", "SELECT version::text FROM %T", "", "", WhenAhead::kTolerates,
     "applies nothing"},
    {"Rails", "schema_migrations", "version", "SELECT version::text FROM %T", "", "", WhenAhead::kTolerates,
     "looks for pending migrations only"},
    {"Knex", "knex_migrations", "name batch", "SELECT name FROM %T", "knex_migrations_lock",
     "SELECT 'its lock is taken: knex migrate:unlock' FROM %T WHERE is_locked = 1", WhenAhead::kRefuses,
     "'The migration directory is corrupt, the following files are missing'"},
    {"Prisma", "_prisma_migrations", "migration_name finished_at rolled_back_at",
     "SELECT migration_name FROM %T WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL", "_prisma_migrations",
     "SELECT migration_name || ' failed (P3009): prisma migrate resolve' FROM %T WHERE finished_at IS NULL AND "
     "rolled_back_at IS NULL",
     WhenAhead::kTolerates, "migrate deploy applies nothing"},
    {"Alembic", "alembic_version", "version_num", "SELECT version_num FROM %T", "", "", WhenAhead::kRefuses,
     "'Can't locate revision identified by'"},
    {"Flyway", "flyway_schema_history", "version script success", "SELECT script FROM %T WHERE success",
     "flyway_schema_history", "SELECT script || ' failed: flyway repair' FROM %T WHERE NOT success",
     WhenAhead::kTolerates, "future migrations are ignored by default"},
    {"Liquibase", "databasechangelog", "id author filename", "SELECT filename || '::' || id || '::' || author FROM %T",
     "databasechangeloglock", "SELECT 'its lock is taken: liquibase release-locks' FROM %T WHERE locked",
     WhenAhead::kTolerates, "change sets that it does not know are left alone"},
    {"sqlx", "_sqlx_migrations", "version success checksum", "SELECT version::text FROM %T WHERE success",
     "_sqlx_migrations", "SELECT version || ' failed' FROM %T WHERE NOT success", WhenAhead::kRefuses,
     "'was previously applied but is missing', unless ignore_missing is set"},
    {"sql-migrate", "gorp_migrations", "id applied_at", "SELECT id FROM %T", "", "", WhenAhead::kRefuses,
     "'unknown migration in database'"},
    {"Laravel", "migrations", "migration batch", "SELECT migration FROM %T", "", "", WhenAhead::kTolerates,
     "applies what is not noted"},
    {"TypeORM", "migrations", "timestamp name", "SELECT name FROM %T", "", "", WhenAhead::kTolerates,
     "applies what is later than the last one noted"},
    {"Sequelize", "SequelizeMeta", "name", "SELECT name FROM %T", "", "", WhenAhead::kTolerates,
     "applies what is not noted"},
    {"Entity Framework", "__EFMigrationsHistory", "MigrationId", "SELECT \"MigrationId\" FROM %T", "", "",
     WhenAhead::kTolerates, "applies what is not noted"},
    {"Drizzle", "__drizzle_migrations", "hash created_at", "SELECT created_at::text FROM %T", "", "",
     WhenAhead::kTolerates, "applies what is later than the last one noted"},
    {"goose", "goose_db_version", "version_id is_applied", "SELECT version_id::text FROM %T WHERE is_applied", "", "",
     WhenAhead::kUnknown, "try it with the old release"},
    {"node-pg-migrate", "pgmigrations", "name run_on", "SELECT name FROM %T", "", "", WhenAhead::kUnknown,
     "it checks the order unless told not to; try it with the old release"},
};

void nothing_between_catalogues(const Sides&, Findings&) {}

const Migrations* same_tool(const std::vector<Migrations>& list, const Migrations& migrations) {
  for (const Migrations& each : list)
    if (each.tool == migrations.tool && each.table == migrations.table) return &each;
  return nullptr;
}

std::vector<std::string> missing(const std::vector<std::string>& from, const std::vector<std::string>& in) {
  std::vector<std::string> out;
  for (const auto& name : from)
    if (std::find(in.begin(), in.end(), name) == in.end()) out.push_back(name);
  return out;
}

std::string listed(std::vector<std::string> names) {
  const size_t all = names.size();
  if (all > 3) names.resize(3), names.push_back("and " + std::to_string(all - 3) + " more");
  return join(names, ", ");
}

void compare_tool(const Migrations& was, const Migrations* is, Findings& findings) {
  const std::string object = was.tool + " (" + shown(was.table) + ")";
  if (is == nullptr) {
    findings.add("migrator-behind", object, "its table is gone");
    return;
  }
  if (!is->trouble.empty()) findings.add("migrator-stuck", object, is->trouble);
  const auto known = std::find_if(std::begin(kMigrators), std::end(kMigrators),
                                  [&](const Migrator& each) { return each.tool == was.tool; });
  const auto unknown = missing(is->applied, was.applied), gone = missing(was.applied, is->applied);
  // Alembic and golang-migrate note only where they are: the old place is not a migration that was taken back.
  const bool one_place = was.tool == "Alembic" || was.tool == "golang-migrate";
  if (!gone.empty() && !(one_place && !unknown.empty())) findings.add("migrator-behind", object, listed(gone));
  if (unknown.empty()) return;
  const std::string detail =
      listed(unknown) + (known == std::end(kMigrators) ? "" : " (" + std::string(known->words) + ")");
  const WhenAhead ahead = known == std::end(kMigrators) ? WhenAhead::kUnknown : known->ahead;
  switch (ahead) {
    case WhenAhead::kTolerates: findings.add("migrator-tolerates", object, detail); return;
    case WhenAhead::kRefuses: findings.add("migrator-refuses", object, detail); return;
    case WhenAhead::kUnknown: findings.add("migrator-unclear", object, detail); return;
  }
}

}  // namespace

const Family kMigratorFamily{"migrators", kMigratorRules, &nothing_between_catalogues};

std::span<const Migrator> migrators() { return kMigrators; }

void compare_migrations(const std::vector<Migrations>& wanted, const std::vector<Migrations>& there,
                        Comparison& comparison) {
  Findings findings(kMigratorRules, comparison.findings);
  for (const Migrations& each : wanted) compare_tool(each, same_tool(there, each), findings);
  for (const Migrations& each : there)
    if (same_tool(wanted, each) == nullptr) findings.add("migrator-added", each.tool + " (" + shown(each.table) + ")");
}

Json to_json(const std::vector<Migrations>& migrations) {
  Json out = Json::array();
  for (const Migrations& each : migrations)
    out.push_back({{"tool", each.tool}, {"table", each.table}, {"applied", each.applied}, {"trouble", each.trouble}});
  return out;
}

std::vector<Migrations> migrations_from_json(const Json& value) {
  std::vector<Migrations> out;
  if (!value.is_array()) return out;
  for (const Json& each : value) {
    Migrations migrations{.tool = get_string(each, "tool"), .table = get_string(each, "table")};
    migrations.trouble = get_string(each, "trouble");
    for (const Json& name : get(each, "applied"))
      if (name.is_string()) migrations.applied.push_back(name.get<std::string>());
    out.push_back(std::move(migrations));
  }
  return out;
}

}  // namespace backout::schema::postgresql
