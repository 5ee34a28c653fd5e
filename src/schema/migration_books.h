// The tables in which migrators remember what they have applied. Their rows say what schema a database has, so a rescue
// leaves them with it.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace backout::schema {

/// By the table's name without its schema, in any case.
bool is_migration_book(std::string_view table);

/// "12 applied (1f2e3d4c5b6a)": another sentence when other migrations are noted, in any order.
std::string in_few_words(std::vector<std::string> applied);

struct BookContent {
  int64_t rows = 0;
  std::string hash;  // over the rows, in any order
  bool operator==(const BookContent&) const = default;
};
using BookContents = std::map<std::string, BookContent>;  // by the table's name

/// For each book of `now` that does not have the rows of `then`, or of which that cannot be told: a sentence.
/// Migrations that change rows alone show in nothing else.
Json other_books(const BookContents& now, const Result<BookContents>& then);

}  // namespace backout::schema
