#include "database/postgresql/content.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "schema/migration_books.h"

namespace backout::postgresql {
namespace {

constexpr int kHashesRecords = 140000;  // hash_record_extended came with 14

enum class How { kAsItIs, kBytewise, kFunction, kText };
struct TypeRule {
  int64_t oid;
  How how;
  const char* function = "";
};
// Types of the server itself, by the OIDs that they have everywhere. All others: as text.
constexpr TypeRule kTypes[] = {{16, How::kAsItIs},                       // boolean
                               {17, How::kAsItIs},                       // bytea
                               {18, How::kAsItIs},                       // "char"
                               {20, How::kAsItIs},                       // bigint
                               {21, How::kAsItIs},                       // smallint
                               {23, How::kAsItIs},                       // integer
                               {26, How::kAsItIs},                       // oid
                               {650, How::kAsItIs},                      // cidr
                               {774, How::kAsItIs},                      // macaddr8
                               {829, How::kAsItIs},                      // macaddr
                               {869, How::kAsItIs},                      // inet
                               {1082, How::kAsItIs},                     // date
                               {1083, How::kAsItIs},                     // time
                               {1114, How::kAsItIs},                     // timestamp
                               {1184, How::kAsItIs},                     // timestamp with time zone
                               {1266, How::kAsItIs},                     // time with time zone
                               {2950, How::kAsItIs},                     // uuid
                               {3220, How::kAsItIs},                     // pg_lsn
                               {19, How::kBytewise},                     // name
                               {25, How::kBytewise},                     // text
                               {1043, How::kBytewise},                   // character varying
                               {700, How::kFunction, "float4send"},      // 0 and -0 are equal
                               {701, How::kFunction, "float8send"},      //
                               {790, How::kFunction, "cash_send"},       // its text depends on lc_monetary
                               {1042, How::kFunction, "bpcharsend"},     // trailing blanks do not count
                               {1186, How::kFunction, "interval_send"},  // a day and 24 hours are equal
                               {1700, How::kFunction, "numeric_send"},   // 1.0 and 1.00 are equal
                               {3802, How::kFunction, "jsonb_send"}};    // holds numerics

std::string hashed_column(const std::string& name, int64_t type) {
  const std::string column = "t." + sql_name(name);
  const auto* rule =
      std::find_if(std::begin(kTypes), std::end(kTypes), [&](const TypeRule& each) { return each.oid == type; });
  switch (rule == std::end(kTypes) ? How::kText : rule->how) {
    case How::kAsItIs: return column;
    case How::kBytewise: return "(" + column + " COLLATE pg_catalog.\"C\")";
    case How::kFunction: return std::string("pg_catalog.") + rule->function + "(" + column + ")";
    case How::kText: return column + "::pg_catalog.text COLLATE pg_catalog.\"C\"";
  }
  return column;
}

std::string counting(const std::vector<std::string>& columns, const std::string& from, int server_version) {
  if (columns.empty()) return "SELECT pg_catalog.count(*), 0, 0 FROM " + from;
  const std::string row = "ROW(" + join(columns, ", ") + ")";
  const std::string hash = server_version >= kHashesRecords
                               ? "pg_catalog.hash_record_extended(" + row + ", {})"
                               : "pg_catalog.hashtextextended(" + row + "::pg_catalog.text, {})";
  return fmt::format("SELECT pg_catalog.count(*), pg_catalog.sum({}), pg_catalog.sum({}) FROM {}",
                     replaced(hash, "{}", "0"), replaced(hash, "{}", "8121947"), from);
}

/// A decimal number of any length modulo 2^64.
uint64_t low_bits(std::string_view decimal) {
  const bool negative = decimal.starts_with('-');
  uint64_t value = 0;
  for (const char digit : decimal.substr(negative ? 1 : 0)) value = value * 10 + static_cast<uint64_t>(digit - '0');
  return negative ? ~value + 1 : value;
}

constexpr const char* kTables = R"(
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), c.relpersistence, n.nspname, c.relname,
       coalesce(x.extcondition[array_position(x.extconfig, c.oid)], '')
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid
  AND d.objsubid = 0 AND d.deptype = 'e'
LEFT JOIN pg_catalog.pg_extension x ON x.oid = d.refobjid
WHERE c.relkind = $1 AND c.relpersistence <> 't' AND n.nspname <> 'information_schema'
  AND n.nspname !~ '^pg_' AND (x.oid IS NULL OR coalesce(c.oid = ANY (x.extconfig), false))
ORDER BY 1)";

// By name: a restore may put the columns of an inherited table in another order.
constexpr const char* kColumns = R"(
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), a.attname, a.atttypid
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
ORDER BY 1, a.attname COLLATE "C")";

Result<TableContent> count(Connection& connection, const std::string& sql) {
  const Rows row = TRY(connection.query(sql));
  return TableContent{row.integer(0, 0),
                      fmt::format("{:016x}{:016x}", low_bits(row.view(0, 1)), low_bits(row.view(0, 2))), false};
}

Result<TableContent> count_large_objects(Connection& connection) {
  const std::string sql = counting({"t.oid", "pg_catalog.lo_get(t.oid)"}, "pg_catalog.pg_largeobject_metadata t",
                                   connection.server_version());
  return count(connection, sql).with_context("large objects");
}

}  // namespace

int64_t Content::rows() const {
  int64_t all = 0;
  for (const auto& [name, table] : tables) all += table.rows;
  return all;
}

Result<std::vector<CountedTable>> tables_to_count(Connection& connection) {
  std::map<std::string, std::vector<std::string>> columns;
  const Rows listed = TRY(connection.query(kColumns));
  for (int i = 0; i < listed.count(); ++i)
    columns[listed.text(i, 0)].push_back(hashed_column(listed.text(i, 1), listed.integer(i, 2)));
  std::vector<CountedTable> tables;
  const Rows rows = TRY(connection.query(kTables, {"r"}));
  for (int i = 0; i < rows.count(); ++i) {
    const std::string name = rows.text(i, 0);
    const std::string from = "ONLY " + sql_name(rows.view(i, 2), rows.view(i, 3)) + " t " + rows.text(i, 4);
    tables.push_back({name, counting(columns[name], from, connection.server_version()), rows.view(i, 1) == "u"});
  }
  return tables;
}

Result<TableContent> content_of(Connection& connection, const std::string& schema, const std::string& table,
                                const std::set<std::string>& columns) {
  std::vector<std::string> hashed;
  const Rows listed = TRY(connection.query(
      "SELECT a.attname, a.atttypid FROM pg_catalog.pg_attribute a WHERE a.attrelid = pg_catalog.to_regclass($1) AND "
      "a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attname COLLATE \"C\"",
      {sql_name(schema, table)}));
  for (int i = 0; i < listed.count(); ++i)
    if (columns.contains(listed.text(i, 0))) hashed.push_back(hashed_column(listed.text(i, 0), listed.integer(i, 1)));
  return count(connection, counting(hashed, "ONLY " + sql_name(schema, table) + " t", connection.server_version()));
}

Result<Content> read_content(Connection& connection, const std::function<bool(const CountedTable& next)>& go_on) {
  Content content;
  const auto all = TRY(tables_to_count(connection));
  for (const CountedTable& table : all) {
    if (go_on && !go_on(table)) return Error{Code::kCancelled, "stopped before all tables were counted", ""};
    TableContent counted = TRY(count(connection, table.sql).with_context("table " + table.name));
    counted.unlogged = table.unlogged;
    content.tables[table.name] = counted;
  }
  const Rows foreign = TRY(connection.query(kTables, {"f"}));
  for (int i = 0; i < foreign.count(); ++i) content.foreign_tables.push_back(foreign.text(i, 0));
  content.large_objects = TRY(count_large_objects(connection));
  return content;
}

namespace {

/// By "public.\"SequelizeMeta\"".
bool is_book(const std::string& name) {
  std::string bare = name.substr(name.rfind('.') + 1);
  std::erase(bare, '"');
  return schema::is_migration_book(bare);
}

}  // namespace

Result<std::map<std::string, TableContent>> read_books(Connection& connection) {
  std::map<std::string, TableContent> books;
  for (const CountedTable& table : TRY(tables_to_count(connection)))
    if (is_book(table.name)) books[table.name] = TRY(count(connection, table.sql).with_context("table " + table.name));
  return books;
}

std::map<std::string, TableContent> books_in(const Content& content) {
  std::map<std::string, TableContent> books = content.tables;
  std::erase_if(books, [](const auto& table) { return !is_book(table.first); });
  return books;
}

namespace {

Json table_to_json(const TableContent& table) {
  Json value{{"rows", table.rows}, {"hash", table.hash}};
  if (table.unlogged) value["unlogged"] = true;
  return value;
}

Result<TableContent> table_from_json(const Json& value) {
  const TableContent table{get_int(value, "rows", -1), get_string(value, "hash"), get_bool(value, "unlogged")};
  if (table.rows < 0 || table.hash.size() != 32 ||
      table.hash.find_first_not_of("0123456789abcdef") != std::string::npos)
    return Error{Code::kCorrupt, "a table's content in the manifest is none", ""};
  return table;
}

}  // namespace

Json to_json(const Content& content) {
  Json tables = Json::object();
  for (const auto& [name, table] : content.tables) tables[name] = table_to_json(table);
  return {{"tables", tables},
          {"foreign_tables", content.foreign_tables},
          {"large_objects", table_to_json(content.large_objects)}};
}

Result<Content> content_from_json(const Json& value) {
  Content content;
  for (const auto& [name, table] : get(value, "tables").items())
    content.tables[name] = TRY(table_from_json(table).with_context(name));
  for (const Json& name : get(value, "foreign_tables"))
    if (name.is_string()) content.foreign_tables.push_back(name.get<std::string>());
  content.large_objects = TRY(table_from_json(get(value, "large_objects")).with_context("large objects"));
  return content;
}

}  // namespace backout::postgresql
