#include "database/postgresql/row_catalogue.h"

namespace backout::postgresql {
namespace {

/// Types that hash two values alike only when they write them alike, whatever the database. Not numeric (1.0 and 1.00)
/// unless its type has a scale, floats (0 and -0), intervals, jsonb; not enums, arrays, composites, in which oids are.
constexpr const char* kPortableHashes =
    "('bool', 'int2', 'int4', 'int8', 'text', 'varchar', 'bytea', 'uuid', 'date', 'time', 'timestamp', 'timestamptz')";

std::string tables_query() {
  return std::string(R"(
SELECT coalesce(pg_catalog.json_agg(t), '[]') FROM (
  SELECT c.oid::pg_catalog.int8 AS oid, n.nspname AS schema, c.relname AS name, c.relkind = 'p' AS partitioned,
    c.reltuples::pg_catalog.int8 AS estimated_rows,
    (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
        'name', a.attname, 'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
        'base_type', pg_catalog.format_type(a.atttypid, -1), 'builtin', a.atttypid::pg_catalog.int8 < 16384,
        'is_enum', y.typtype = 'e', 'not_null', a.attnotnull,
        'comparable', EXISTS (SELECT FROM pg_catalog.pg_opclass o JOIN pg_catalog.pg_am m ON m.oid = o.opcmethod
                              WHERE m.amname = 'btree' AND o.opcdefault AND o.opcintype = a.atttypid)
          OR y.typname IN ('varchar'),
        'hash_is_portable', a.atttypid::pg_catalog.int8 < 16384
          AND (y.typname = 'numeric' AND a.atttypmod > 0 OR y.typname IN )") +
         kPortableHashes + R"()
          AND (a.attcollation = 0 OR (SELECT l.collisdeterministic FROM pg_catalog.pg_collation l
                                      WHERE l.oid = a.attcollation)),
        'has_default', a.atthasdef OR a.attidentity <> '', 'generated', a.attgenerated <> '',
        'identity_always', a.attidentity = 'a') ORDER BY a.attnum)
      FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
    (SELECT pg_catalog.json_agg(k.columns ORDER BY k.indisprimary DESC, k.relname) FROM (
      SELECT i.indisprimary, x.relname,
        (SELECT pg_catalog.json_agg(a.attname ORDER BY u.place)
         FROM pg_catalog.unnest(i.indkey::pg_catalog.int2[]) WITH ORDINALITY AS u(number, place)
         JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.number
         WHERE u.place <= i.indnkeyatts) AS columns
      FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
      WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indisready AND i.indpred IS NULL
        AND i.indexprs IS NULL) AS k) AS keys
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
      WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e'
        AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND NOT (c.oid = ANY (coalesce(e.extconfig, '{}'))))
    AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
  ORDER BY n.nspname, c.relname) AS t)";
}

constexpr const char* kReferences = R"(
SELECT coalesce(pg_catalog.json_agg(t), '[]') FROM (
  SELECT o.conname AS name, o.conrelid::pg_catalog.int8 AS child, o.confrelid::pg_catalog.int8 AS parent,
    o.confdeltype AS on_delete, o.confupdtype AS on_update, o.confmatchtype = 'f' AS match_full,
    o.condeferrable AS deferrable, o.condeferred AS deferred,
    (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('from', f.attname, 'to', g.attname, 'equals',
        'OPERATOR(' || pg_catalog.quote_ident(s.nspname) || '.' || p.oprname || ')',
        'same', 'OPERATOR(' || pg_catalog.quote_ident(q.nspname) || '.' || r.oprname || ')') ORDER BY u.place)
      FROM ROWS FROM (pg_catalog.unnest(o.conkey), pg_catalog.unnest(o.confkey), pg_catalog.unnest(o.conpfeqop),
        pg_catalog.unnest(o.conppeqop)) WITH ORDINALITY AS u(child, parent, operator, same, place)
      JOIN pg_catalog.pg_attribute f ON f.attrelid = o.conrelid AND f.attnum = u.child
      JOIN pg_catalog.pg_attribute g ON g.attrelid = o.confrelid AND g.attnum = u.parent
      JOIN pg_catalog.pg_operator p ON p.oid = u.operator
      JOIN pg_catalog.pg_namespace s ON s.oid = p.oprnamespace
      JOIN pg_catalog.pg_operator r ON r.oid = u.same
      JOIN pg_catalog.pg_namespace q ON q.oid = r.oprnamespace) AS pairs
  FROM pg_catalog.pg_constraint o WHERE o.contype = 'f' AND o.conparentid = 0
  ORDER BY o.conrelid, o.conname) AS t)";

RowColumn column_of(const Json& json) {
  RowColumn column;
  column.name = get_string(json, "name");
  column.type = get_string(json, "type");
  column.base_type = get_string(json, "base_type");
  column.builtin = get_bool(json, "builtin");
  column.is_enum = get_bool(json, "is_enum");
  column.comparable = get_bool(json, "comparable");
  column.hash_is_portable = get_bool(json, "hash_is_portable");
  column.not_null = get_bool(json, "not_null");
  column.has_default = get_bool(json, "has_default");
  column.generated = get_bool(json, "generated");
  column.identity_always = get_bool(json, "identity_always");
  return column;
}

RowTable table_of(const Json& json) {
  RowTable table;
  table.oid = get_int(json, "oid");
  table.schema = get_string(json, "schema");
  table.name = get_string(json, "name");
  table.partitioned = get_bool(json, "partitioned");
  table.estimated_rows = get_int(json, "estimated_rows");
  for (const Json& column : get(json, "columns")) table.columns.push_back(column_of(column));
  for (const Json& names : get(json, "keys")) {
    std::vector<std::string> key;
    bool can_be_null = false;
    for (const Json& name : names) {
      key.push_back(name.get<std::string>());
      const RowColumn* column = find_column(table, key.back());
      can_be_null = can_be_null || column == nullptr || !column->not_null;
    }
    if (!can_be_null && !key.empty()) table.keys.push_back(std::move(key));
  }
  return table;
}

char letter(const Json& json, const char* key) { return (get_string(json, key) + "a").front(); }

RowReference reference_of(const Json& json) {
  RowReference reference;
  reference.name = get_string(json, "name");
  reference.child = get_int(json, "child");
  reference.parent = get_int(json, "parent");
  reference.on_delete = letter(json, "on_delete");
  reference.on_update = letter(json, "on_update");
  reference.match_full = get_bool(json, "match_full");
  reference.deferrable = get_bool(json, "deferrable");
  reference.deferred = get_bool(json, "deferred");
  for (const Json& pair : get(json, "pairs")) {
    reference.from.push_back(get_string(pair, "from"));
    reference.to.push_back(get_string(pair, "to"));
    reference.equals.push_back(get_string(pair, "equals"));
    reference.same.push_back(get_string(pair, "same"));
  }
  return reference;
}

}  // namespace

std::string RowTable::shown() const { return schema == "public" ? name : schema + "." + name; }

std::string RowTable::from() const {
  if (!source.empty()) return source;
  return (partitioned ? "" : "ONLY ") + sql_name(schema, name);
}

const RowColumn* find_column(const RowTable& table, const std::string& name) {
  for (const RowColumn& column : table.columns)
    if (column.name == name) return &column;
  return nullptr;
}

const RowTable* RowCatalogue::find(const std::string& schema, const std::string& name) const {
  for (const auto& [oid, table] : tables)
    if (table.schema == schema && table.name == name) return &table;
  return nullptr;
}

Result<RowCatalogue> read_row_catalogue(Connection& connection) {
  RowCatalogue catalogue;
  const Json tables = TRY(parse_json(TRY(connection.text(tables_query()).with_context("reading the tables"))));
  for (const Json& json : tables) catalogue.tables[get_int(json, "oid")] = table_of(json);
  const Json references = TRY(parse_json(TRY(connection.text(kReferences).with_context("reading the foreign keys"))));
  for (const Json& json : references) catalogue.references.push_back(reference_of(json));
  const std::string encoding = TRY(connection.text("SELECT pg_catalog.getdatabaseencoding()"));
  catalogue.recode = encoding != "UTF8" && encoding != "SQL_ASCII" && encoding != "LATIN1";
  return catalogue;
}

}  // namespace backout::postgresql
