#include "database/sqlite/sequences.h"

#include "database/sqlite/manifest.h"

namespace backout::database {
namespace {

using schema::same_name;

/// The name of the INTEGER PRIMARY KEY; empty when there is none.
std::string rowid_alias(const schema::Table& table) {
  const auto key = primary_key(table);
  if (table.without_rowid || key.size() != 1) return "";
  const auto* column = find_column(table, key.front());
  return same_name(column->type, "INTEGER") ? column->name : "";
}

int64_t highest_in(const std::map<std::string, int64_t>& sequences, const std::string& table) {
  int64_t highest = 0;
  for (const auto& [name, value] : sequences)
    if (same_name(name, table)) highest = std::max(highest, value);
  return highest;
}

Result<int64_t> highest_id(Connection& connection, const schema::Snapshot& schema, const std::string& table) {
  const auto* there = find_table(schema, table);
  if (there == nullptr) return 0;
  const std::string id = rowid_alias(*there);
  if (id.empty()) return 0;
  return connection.integer("SELECT max(" + sql_name(id) + ") FROM main." + sql_name(there->name));
}

}  // namespace

Result<SequenceReport> raise_sequences(Connection& target, Sides& sides, const schema::Snapshot& target_schema) {
  SequenceReport report;
  const auto base = TRY(read_sequences(sides.base)), live = TRY(read_sequences(sides.live)),
             now = TRY(read_sequences(target));
  for (const auto& table : target_schema.tables) {
    if (table.kind != schema::TableKind::kTable || rowid_alias(table).empty()) continue;
    const int64_t live_id = TRY(highest_id(sides.live, sides.live_schema, table.name));
    if (!table.autoincrement) {
      const int64_t target_id = TRY(highest_id(target, target_schema, table.name));
      if (live_id > target_id) report.reusable[table.name] = {{"live", live_id}, {"target", target_id}};
      continue;
    }
    const int64_t before = highest_in(now, table.name);
    const int64_t wanted = std::max({before, highest_in(base, table.name), highest_in(live, table.name), live_id});
    if (wanted == before) continue;
    auto update = TRY(target.prepare("UPDATE main.sqlite_sequence SET seq = ?2 WHERE name = ?1 COLLATE NOCASE"));
    TRY_VOID(update.bind(1, table.name).bind(2, wanted).run());
    if (sqlite3_changes(target.raw()) == 0) {
      auto insert = TRY(target.prepare("INSERT INTO main.sqlite_sequence (name, seq) VALUES (?1, ?2)"));
      TRY_VOID(insert.bind(1, table.name).bind(2, wanted).run());
    }
    report.raised[table.name] = wanted;
  }
  return report;
}

}  // namespace backout::database
