// What the tables of a database hold, in numbers that can be compared with those of another database: rows, and a hash
// over them that does not depend on their order, on OIDs, or on the order of columns.
//
// A row's hash is that of the server (hash_record_extended) over its stored columns by name; a column whose type hashes
// differently elsewhere (enums, composites, domains, arrays) or takes different values for equal (numeric 1.0 and 1.00)
// is hashed as its binary or text form. The table's hash is the sum over its rows, twice 64 bits.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "database/postgresql/connection.h"

namespace backout::postgresql {

struct TableContent {
  int64_t rows = 0;
  std::string hash;       // 32 hexadecimal digits
  bool unlogged = false;  // empty after a crash of the server, and on its standbys
  bool operator==(const TableContent&) const = default;
};

struct Content {
  std::map<std::string, TableContent> tables;  // "public.orders", quoted where SQL needs it; partitions each
  std::vector<std::string> foreign_tables;     // their rows live elsewhere: in no dump
  TableContent large_objects;
  int64_t rows() const;
};

/// One table that has rows of its own in a dump, and how to read it.
struct CountedTable {
  std::string name;  // as in Content
  std::string sql;   // counts and hashes it: rows, first sum, second sum
  bool unlogged = false;
};

/// What a dump of the database holds: ordinary tables and leaf partitions. Of tables that belong to an extension only
/// those rows that the extension says are the user's. Materialised views are left out: a restore refreshes them.
Result<std::vector<CountedTable>> tables_to_count(Connection& connection);

/// Of one table, as counting reads it, over these columns alone; all of them are its own.
Result<TableContent> content_of(Connection& connection, const std::string& schema, const std::string& table,
                                const std::set<std::string>& columns);

/// In the connection's transaction. `go_on` is asked between tables; false ends it with kCancelled.
Result<Content> read_content(Connection& connection, const std::function<bool(const CountedTable& next)>& go_on = {});

/// Of the tables in which migrators remember what they have applied, by the names that Content has for them.
Result<std::map<std::string, TableContent>> read_books(Connection& connection);
/// The same of what was read before.
std::map<std::string, TableContent> books_in(const Content& content);

Json to_json(const Content& content);
Result<Content> content_from_json(const Json& value);

}  // namespace backout::postgresql
