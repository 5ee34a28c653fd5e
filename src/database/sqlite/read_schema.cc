#include "database/sqlite/read_schema.h"

#include <algorithm>

namespace backout::database {
namespace {

using schema::Generated;
using schema::TableKind;

Result<std::vector<schema::Column>> columns_of(Connection& connection, const std::string& table, bool& autoincrement) {
  std::vector<schema::Column> columns;
  auto rows =
      TRY(connection.prepare("SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?1)"));
  rows.bind(1, table);
  while (TRY(rows.step())) {
    schema::Column column{.name = rows.text(0), .type = rows.text(1), .not_null = rows.integer(2) != 0};
    if (!rows.is_null(3)) column.default_text = rows.text(3);
    column.key_position = static_cast<int>(rows.integer(4));
    const int64_t hidden = rows.integer(5);  // 1: of a virtual table, 2: virtual, 3: stored
    column.hidden = hidden == 1;
    column.generated = hidden == 2 ? Generated::kVirtual : hidden == 3 ? Generated::kStored : Generated::kNo;
    const char* collation = nullptr;
    int not_null = 0, key = 0, autoinc = 0;
    if (sqlite3_table_column_metadata(connection.raw(), "main", table.c_str(), column.name.c_str(), nullptr, &collation,
                                      &not_null, &key, &autoinc) == SQLITE_OK) {
      if (collation != nullptr) column.collation = collation;
      autoincrement = autoincrement || autoinc != 0;
    }
    columns.push_back(std::move(column));
  }
  return columns;
}

Result<std::vector<schema::Index>> indexes_of(Connection& connection, const std::string& table) {
  std::vector<schema::Index> indexes;
  auto rows = TRY(connection.prepare(
      "SELECT l.name, l.\"unique\", l.origin, l.partial, coalesce(s.sql, '') FROM pragma_index_list(?1) l "
      "LEFT JOIN sqlite_schema s ON s.type = 'index' AND s.name = l.name ORDER BY l.name"));
  rows.bind(1, table);
  while (TRY(rows.step())) {
    schema::Index index{.name = rows.text(0),
                        .unique = rows.integer(1) != 0,
                        .origin = rows.text(2),
                        .partial = rows.integer(3) != 0,
                        .sql = rows.text(4)};
    auto parts =
        TRY(connection.prepare("SELECT coalesce(name, ''), coalesce(coll, ''), \"desc\" FROM pragma_index_xinfo(?1) "
                               "WHERE key = 1 ORDER BY seqno"));
    parts.bind(1, index.name);
    while (TRY(parts.step())) index.parts.push_back({parts.text(0), parts.text(1), parts.integer(2) != 0});
    indexes.push_back(std::move(index));
  }
  return indexes;
}

Result<std::vector<schema::ForeignKey>> foreign_keys_of(Connection& connection, const std::string& table) {
  std::vector<schema::ForeignKey> keys;
  auto rows =
      TRY(connection.prepare("SELECT id, \"table\", \"from\", \"to\", on_update, on_delete FROM "
                             "pragma_foreign_key_list(?1) ORDER BY id DESC, seq"));
  rows.bind(1, table);
  int64_t last = -1;
  while (TRY(rows.step())) {
    if (rows.integer(0) != last) {
      last = rows.integer(0);
      keys.push_back({rows.text(1), {}, {}, rows.text(4), rows.text(5)});
    }
    keys.back().from.push_back(rows.text(2));
    if (!rows.is_null(3)) keys.back().to.push_back(rows.text(3));
  }
  return keys;
}

}  // namespace

Result<schema::Snapshot> read_schema(Connection& connection) {
  schema::Snapshot snapshot;
  snapshot.user_version = TRY(connection.integer("PRAGMA main.user_version"));
  snapshot.application_id = TRY(connection.integer("PRAGMA main.application_id"));
  auto rows = TRY(connection.prepare(
      "SELECT s.type, s.name, s.tbl_name, coalesce(s.sql, ''), coalesce(l.type, ''), coalesce(l.wr, 0), "
      "coalesce(l.strict, 0) "
      "FROM main.sqlite_schema s LEFT JOIN pragma_table_list l ON l.schema = 'main' AND l.name = s.name AND s.type = "
      "'table' "
      "WHERE s.type IN ('table', 'view', 'trigger') AND s.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY s.name"));
  while (TRY(rows.step())) {
    const std::string type = rows.text(0);
    if (type == "view") {
      snapshot.views.push_back({rows.text(1), rows.text(3)});
    } else if (type == "trigger") {
      snapshot.triggers.push_back({rows.text(1), rows.text(2), rows.text(3)});
    } else {
      schema::Table table{.name = rows.text(1),
                          .without_rowid = rows.integer(5) != 0,
                          .strict = rows.integer(6) != 0,
                          .sql = rows.text(3)};
      const std::string kind = rows.text(4);
      table.kind = kind == "virtual" ? TableKind::kVirtual : kind == "shadow" ? TableKind::kShadow : TableKind::kTable;
      snapshot.tables.push_back(std::move(table));
    }
  }
  for (auto& table : snapshot.tables) {
    table.columns = TRY(columns_of(connection, table.name, table.autoincrement));
    table.indexes = TRY(indexes_of(connection, table.name));
    table.foreign_keys = TRY(foreign_keys_of(connection, table.name));
  }
  return snapshot;
}

}  // namespace backout::database
