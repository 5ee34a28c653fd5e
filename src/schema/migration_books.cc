#include "schema/migration_books.h"

#include <set>
#include <string>

#include "schema/snapshot.h"

namespace backout::schema {

bool is_migration_book(std::string_view table) {
  static const std::set<std::string, std::less<>> kBooks{
      "django_migrations",    "schema_migrations",     "ar_internal_metadata",    "knex_migrations",
      "knex_migrations_lock", "_prisma_migrations",    "alembic_version",         "flyway_schema_history",
      "databasechangelog",    "databasechangeloglock", "goose_db_version",        "sequelizemeta",
      "gorp_migrations",      "_sqlx_migrations",      "__efmigrationshistory",   "__drizzle_migrations",
      "schema_version",       "schema_info",           "refinery_schema_history", "__diesel_schema_migrations",
      "migrations",           "yoyo_migration",        "_yoyo_migration"};
  return kBooks.contains(lowered(table));
}

}  // namespace backout::schema
