// What a statement of the code does, as far as its text says: by libpg_query, PostgreSQL's own parser. Pure.
//
// Names are as written; resolving them needs a search_path and a catalogue. A text that the parser does not take is an
// error: nobody knows what it does.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "base/result.h"

namespace backout::postgresql {

/// Rows come into a table.
struct Insertion {
  std::string table;                 // "orders" or "public.orders"
  std::vector<std::string> columns;  // empty: no list
  int values = -1;                   // without a list: how many; -1: a SELECT, or DEFAULT VALUES, tells
  bool copy = false;                 // COPY ... FROM
};

struct StatementFacts {
  enum class Kind { kQuery, kCopy, kTruncate, kOther };
  Kind kind = Kind::kOther;  // kQuery: what can be prepared
  bool writes = false;
  std::vector<Insertion> insertions;
  std::vector<std::pair<std::string, std::set<std::string>>> updates;  // table, columns
  std::set<std::string> deletes, truncates, copied_out;
  std::set<std::string> tables;   // every table that is named
  std::set<std::string> names;    // unqualified names of columns, or of tables in the place of one
  std::set<std::string> aliases;  // names under which tables are known in it
  bool natural_join = false;
  bool subqueries = false;  // in FROM, or WITH; or a table joined with itself
  bool star = false;        // SELECT * or RETURNING * at the top
  bool odd_star = false;    // t.* inside of a call, a row or a cast; SELECT DISTINCT *, set operations over *
  bool calls = false;       // functions: what those do is not in the text
};

Result<StatementFacts> parse_statement(const std::string& sql);

}  // namespace backout::postgresql
