#include "database/postgresql/row_files.h"

#include <fstream>

#include "base/text.h"

namespace backout::postgresql {
namespace {

constexpr size_t kFirstConflicts = 100;
constexpr const char* kCopyNumber = "#";  // of equal rows in a table without a key

Json json_of(std::string_view field) {
  auto value = copy_value(field);
  return value ? Json(std::move(*value)) : Json(nullptr);
}

std::string_view word_of(std::string_view operation) {
  return operation == "i" ? "insert" : operation == "u" ? "update" : "delete";
}

void note(const Json& line, Conflicts& conflicts) {
  ++conflicts.count;
  Json& count = conflicts.by_kind[get_string(line, "table")][get_string(line, "kind")];
  count = count.is_null() ? 1 : count.get<int64_t>() + 1;
  if (conflicts.first.size() >= kFirstConflicts) return;
  Json brief = Json::object();
  for (const char* key : {"table", "operation", "kind", "key", "why"}) brief[key] = get(line, key);
  conflicts.first.push_back(brief);
}

std::string names_array(const MappedTable& table, size_t count, bool copy) {
  std::vector<std::string> names;
  for (size_t i = 0; i < count; ++i) names.push_back(sql_text(table.columns[i].name));
  if (copy) names.push_back(sql_text(kCopyNumber));
  return "ARRAY[" + join(names, ", ") + "]::pg_catalog.text[]";
}

std::string values_array(size_t count, bool copy) {
  std::vector<std::string> values;
  for (size_t i = 0; i < count; ++i) values.push_back("s.v" + std::to_string(i));
  if (copy) values.push_back("s.copy::pg_catalog.text");
  return "ARRAY[" + join(values, ", ") + "]::pg_catalog.text[]";
}

std::string has_news(const MappedTable& table) {
  std::vector<std::string> any;
  for (const std::string& name : table.only_live) any.push_back("t." + sql_name(name) + " IS NOT NULL");
  return join(any, " OR ");
}

}  // namespace

Result<void> write_conflicts(Connection& target, StagedTable& table, os::LinesFile& file, Conflicts& conflicts) {
  const MappedTable& map = *table.map;
  const size_t columns = map.columns.size();
  std::string what = "s.op, coalesce(s.kind, ''), coalesce(s.why, ''), ";
  what += map.multiset ? "t.backout_copy IS NOT NULL, s.copy" : "t.tableoid IS NOT NULL, NULL";
  for (size_t i = 0; i < columns; ++i) what += ", s.v" + std::to_string(i);
  for (size_t i = 0; i < columns; ++i) what += ", " + read_expression(map, i, "t.");
  auto copy =
      TRY(target.copy_out("COPY (SELECT " + what + " FROM " + table.stage() + " AS s LEFT JOIN " + table.rows() +
                          " ON " + table.match() + " WHERE s.mark = 'r' ORDER BY s.n) TO STDOUT"));
  table.reported = 0;
  while (const auto line = TRY(copy.next())) {
    const auto fields = copy_fields(*line);
    if (fields.size() != 5 + 2 * columns) return Error{Code::kInternal, "a conflict with too few fields", ""};
    Json key = Json::object(), live = Json::object(), base = Json::object();
    for (size_t i = 0; i < columns; ++i) {
      const std::string& name = map.columns[i].name;
      if (i < map.key_size) key[name] = json_of(fields[5 + i]);
      live[name] = json_of(fields[5 + i]);
      base[name] = json_of(fields[5 + columns + i]);
    }
    if (map.multiset) key[kCopyNumber] = json_of(fields[4]);
    const Json entry{{"table", map.shown},
                     {"operation", word_of(fields[0])},
                     {"kind", json_of(fields[1])},
                     {"why", json_of(fields[2])},
                     {"key", key},
                     {"live", fields[0] == "d" ? Json(nullptr) : live},
                     {"base", fields[3] == "t" ? base : Json(nullptr)}};
    note(entry, conflicts);
    ++table.reported;
    TRY_VOID(file.add(entry));
  }
  return {};
}

Result<int64_t> count_news(Connection& live, const MappedTable& table) {
  if (table.only_live.empty()) return 0;
  return live.integer("SELECT pg_catalog.count(*) FROM " + table.live.from() + " AS t WHERE " + has_news(table));
}

Result<int64_t> archive_columns(Connection& live, const MappedTable& table, os::LinesFile& file) {
  if (table.only_live.empty()) return 0;
  std::vector<std::string> what;
  for (size_t i = 0; i < table.key_size; ++i) what.push_back(read_expression(table, i, "t."));
  for (const std::string& name : table.only_live) what.push_back("t." + sql_name(name));
  auto copy = TRY(live.copy_out("COPY (SELECT " + join(what, ", ") + " FROM " + table.live.from() + " AS t WHERE " +
                                has_news(table) + ") TO STDOUT"));
  int64_t rows = 0;
  while (const auto line = TRY(copy.next())) {
    const auto fields = copy_fields(*line);
    if (fields.size() != what.size()) return Error{Code::kInternal, "a row with too few fields", ""};
    Json key = Json::object(), columns = Json::object();
    for (size_t i = 0; i < table.key_size; ++i) key[table.columns[i].name] = json_of(fields[i]);
    for (size_t i = 0; i < table.only_live.size(); ++i)
      columns[table.only_live[i]] = json_of(fields[table.key_size + i]);
    TRY_VOID(file.add({{"table", table.shown}, {"key", key}, {"columns", columns}}));
    ++rows;
  }
  return rows;
}

Result<int64_t> archive_table(Connection& live, const RowTable& table, const std::string& why, os::LinesFile& file) {
  std::vector<std::string> what;
  for (const RowColumn& column : table.columns) what.push_back("t." + sql_name(column.name));
  if (what.empty()) return 0;
  auto copy = TRY(live.copy_out("COPY (SELECT " + join(what, ", ") + " FROM " + table.from() + " AS t) TO STDOUT"));
  int64_t rows = 0;
  while (const auto line = TRY(copy.next())) {
    const auto fields = copy_fields(*line);
    Json row = Json::object();
    for (size_t i = 0; i < fields.size() && i < table.columns.size(); ++i)
      row[table.columns[i].name] = json_of(fields[i]);
    TRY_VOID(file.add({{"table", table.shown()}, {"row", row}, {"why", why}}));
    ++rows;
  }
  return rows;
}

Result<void> keep_lines_of_others(const std::string& older, const std::set<std::string>& tables, os::LinesFile& file,
                                  Conflicts* conflicts) {
  std::ifstream in(older);
  for (std::string text; std::getline(in, text);) {
    const Json line = TRY(parse_json(text).with_context(older));
    if (tables.contains(get_string(line, "table"))) continue;
    if (conflicts != nullptr) note(line, *conflicts);
    TRY_VOID(file.add(line));
  }
  return {};
}

Result<void> load_known(Connection& target, const std::string& conflicts_file) {
  TRY_VOID(target.exec(hushed("CREATE TEMPORARY TABLE backout_known (shown text, key jsonb, there jsonb)",
                              TRY(has_event_triggers(target)))));
  if (conflicts_file.empty()) return {};
  std::ifstream in(conflicts_file);
  if (!in) return Error{Code::kNotFound, "the conflicts of the earlier rescue are gone: " + conflicts_file, ""};
  auto copy = TRY(target.copy_in("COPY pg_temp.backout_known FROM STDIN"));
  for (std::string text; std::getline(in, text);) {
    const Json line = TRY(parse_json(text).with_context(conflicts_file));
    const Json& base = get(line, "base");
    TRY_VOID(copy.put(copy_field(get_string(line, "table")) + "\t" + copy_field(canonical(get(line, "key"))) + "\t" +
                      copy_field(base.is_null() ? std::optional<std::string>() : canonical(base)) + "\n"));
  }
  TRY(copy.finish());
  return target.exec("ANALYZE pg_temp.backout_known");
}

Result<bool> mark_known(Connection& target, const StagedTable& table) {
  const MappedTable& map = *table.map;
  const std::string key = "pg_catalog.jsonb_object(" + names_array(map, map.key_size, map.multiset) + ", " +
                          values_array(map.key_size, map.multiset) + ")";
  const std::string now = "CASE WHEN s.op <> 'd' THEN pg_catalog.jsonb_object(" +
                          names_array(map, map.columns.size(), false) + ", " + values_array(map.columns.size(), false) +
                          ") END";
  // Of both only the columns that both have: the schema is another one.
  const std::string there =
      "(SELECT pg_catalog.jsonb_object_agg(e.key, e.value) FROM pg_catalog.jsonb_each(k.there) AS "
      "e WHERE e.key = ANY (" +
      names_array(map, map.columns.size(), false) + "))";
  const std::string shared = "(SELECT pg_catalog.jsonb_object_agg(e.key, e.value) FROM pg_catalog.jsonb_each(" + now +
                             ") AS e WHERE k.there IS NULL OR pg_catalog.jsonb_exists(k.there, e.key))";
  const Rows done = TRY(target.query(
      "UPDATE " + table.stage() + " AS s SET mark = CASE WHEN " + there + " IS NOT DISTINCT FROM " + shared +
      " THEN 'k' ELSE 'r' END, kind = 'base-changed', why = 'it could not be carried by an earlier rescue, and has "
      "been changed again since' FROM pg_temp.backout_known AS k WHERE k.shown = " +
      sql_text(map.shown) + " AND k.key = " + key));
  return done.affected() > 0;
}

}  // namespace backout::postgresql
