// The tables in which migrators remember what they have applied. Their rows say what schema a database has, so a rescue
// leaves them with it.
#pragma once
#include <string_view>

namespace backout::schema {

/// By the table's name without its schema, in any case.
bool is_migration_book(std::string_view table);

}  // namespace backout::schema
