#include "database/postgresql/row_proof.h"

#include "base/text.h"

namespace backout::postgresql {
namespace {

constexpr int kProofNumbers = 1'000'000;  // stages of the proof are numbered from here

std::string same_key(const MappedTable& map) {
  std::vector<std::string> parts;
  for (size_t i = 0; i < map.key_size; ++i)
    parts.push_back("a.v" + std::to_string(i) + " IS NOT DISTINCT FROM b.v" + std::to_string(i));
  if (map.multiset) parts.push_back("a.copy = b.copy");
  // The first part of a key can carry the join, unless it may be NULL.
  if (!map.multiset) parts.front() = "a.v0 = b.v0";
  return join(parts, " AND ");
}

std::string shown_key(const MappedTable& map) {
  std::string out;
  for (size_t i = 0; i < map.key_size; ++i)
    out += (i == 0 ? "" : " || ', ' || ") + sql_text(map.columns[i].name + " ") + " || coalesce(a.v" +
           std::to_string(i) + ", 'NULL')";
  return out;
}

Error not_proved(const std::string& table, const std::string& what) {
  return {Code::kConflict, "table " + table + ": " + what,
          "nothing was swapped in; report this with the table's definition"};
}

std::string reported_rows(const StagedTable& table) {
  return "(SELECT * FROM " + table.stage() + " WHERE mark IN ('r', 'k'))";
}

Result<void> prove_table(Connection& writer, const MappedTable& map, const StagedTable* found,
                         const StagedTable* reported) {
  if (found != nullptr) {
    const std::string there =
        reported == nullptr ? "false"
                            : "EXISTS (SELECT FROM " + reported_rows(*reported) + " AS b WHERE " + same_key(map) + ")";
    const Rows rows = TRY(writer.query("SELECT pg_catalog.count(*), coalesce(pg_catalog.min(" + shown_key(map) +
                                       "), '') FROM " + found->stage() + " AS a WHERE NOT " + there));
    if (rows.integer(0, 0) > 0)
      return not_proved(map.shown, "after the rescue " + rows.text(0, 0) +
                                       " rows differ that were not reported, the first is " +
                                       shortened(one_line(rows.text(0, 1)), 200));
  }
  if (reported == nullptr) return {};
  const std::string there =
      found == nullptr ? "false" : "EXISTS (SELECT FROM " + found->stage() + " AS b WHERE " + same_key(map) + ")";
  const Rows rows = TRY(writer.query("SELECT pg_catalog.count(*), coalesce(pg_catalog.min(" + shown_key(map) +
                                     "), '') FROM " + reported_rows(*reported) + " AS a WHERE NOT " + there));
  if (rows.integer(0, 0) > 0)
    return not_proved(map.shown, rows.text(0, 0) +
                                     " rows were reported as conflicts that do not differ, the first is " +
                                     shortened(one_line(rows.text(0, 1)), 200));
  return {};
}

}  // namespace

Result<Json> prove_rows(RowSides& sides, Connection& writer, const RowMap& map,
                        const std::deque<StagedTable>& carried) {
  Json residue = Json::object();
  const auto found = TRY(find_differences(sides, writer, map, {.stage_all = true, .first_number = kProofNumbers}, {}));
  const auto staged_of = [](const std::deque<StagedTable>& tables, const MappedTable* map_of) -> const StagedTable* {
    for (const StagedTable& table : tables)
      if (table.map == map_of) return &table;
    return nullptr;
  };
  for (const TableDifference& table : found.tables) {
    if (table.counts.all() > 0) residue[table.map->shown] = to_json(table.counts);
    if (table.map->leave) continue;
    TRY_VOID(prove_table(writer, *table.map, staged_of(found.staged, table.map), staged_of(carried, table.map)));
  }
  return residue;
}

}  // namespace backout::postgresql
