#include "schema/migration_books.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/hash.h"
#include "base/text.h"
#include "schema/snapshot.h"

namespace backout::schema {

bool is_migration_book(std::string_view table) {
  static const std::set<std::string, std::less<>> kBooks{
      "django_migrations",    "schema_migrations",     "ar_internal_metadata",    "knex_migrations",
      "knex_migrations_lock", "_prisma_migrations",    "alembic_version",         "flyway_schema_history",
      "databasechangelog",    "databasechangeloglock", "goose_db_version",        "sequelizemeta",
      "gorp_migrations",      "_sqlx_migrations",      "__efmigrationshistory",   "__drizzle_migrations",
      "schema_version",       "schema_info",           "refinery_schema_history", "__diesel_schema_migrations",
      "migrations",           "yoyo_migration",        "_yoyo_migration",         "pgmigrations"};
  return kBooks.contains(lowered(table));
}

std::string in_few_words(std::vector<std::string> applied) {
  std::sort(applied.begin(), applied.end());
  return fmt::format("{} applied ({})", applied.size(), sha256_hex(join(applied, "\n")).substr(0, 12));
}

Json other_books(const BookContents& now, const Result<BookContents>& then) {
  Json sentences = Json::array();
  for (const auto& [name, content] : now) {
    const std::string table = one_line(name);
    if (!then) {
      sentences.push_back(fmt::format("what {} had then cannot be told: {}", table, one_line(then.error().message)));
      continue;
    }
    const auto before = then->find(name);
    if (before == then->end())
      sentences.push_back(fmt::format("what {} had then cannot be told: nobody counted it", table));
    else if (before->second != content)
      sentences.push_back(fmt::format("{} has other rows now than then ({}, then {}): a migration was noted in between",
                                      table, content.rows, before->second.rows));
  }
  return sentences;
}

}  // namespace backout::schema
