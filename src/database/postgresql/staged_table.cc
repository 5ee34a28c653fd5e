#include "database/postgresql/staged_table.h"

#include "base/text.h"

namespace backout::postgresql {
namespace {

std::string v(size_t column) { return "v" + std::to_string(column); }

std::string text_list(const MappedTable& map, const std::string& t) {
  std::vector<std::string> texts;
  for (const MappedColumn& column : map.columns)
    texts.push_back(t + "." + sql_name(column.name) + "::pg_catalog.text COLLATE \"C\"");
  return join(texts, ", ");
}

std::string value_list(const MappedTable& map, const std::string& s) {
  std::vector<std::string> values;
  for (size_t i = 0; i < map.columns.size(); ++i) values.push_back(s + "." + v(i));
  return join(values, ", ");
}

}  // namespace

std::string StagedTable::rows(const std::string& t) const {
  if (!map->multiset) return map->target.from() + " AS " + t;
  return "(SELECT x.*, x.ctid AS backout_ctid, x.tableoid AS backout_tableoid, pg_catalog.row_number() OVER "
         "(PARTITION BY " +
         text_list(*map, "x") + ") AS backout_copy FROM " + map->target.from() + " AS x) AS " + t;
}

std::string StagedTable::match(const std::string& s, const std::string& t) const {
  if (map->multiset)
    return "ROW(" + text_list(*map, t) + ")::pg_catalog.text = ROW(" + value_list(*map, s) + ")::pg_catalog.text AND " +
           t + ".backout_copy = " + s + ".copy";
  std::string out;
  for (size_t i = 0; i < map->key_size; ++i) {
    const MappedColumn& column = map->columns[i];
    const std::string there = t + "." + sql_name(column.name), here = s + "." + v(i);
    if (i > 0) out += " AND ";
    if (column.order == KeyOrder::kInteger) {
      out += there + " = " + here + "::pg_catalog.int8";
    } else if (column.target.builtin && column.target.comparable) {
      out += there + " = " + here + "::" + column.target.base_type;
    } else {
      out += there + "::pg_catalog.text = " + here;
    }
  }
  return out;
}

std::string StagedTable::value(size_t column, const std::string& s) const {
  return s + "." + v(column) + "::" + map->columns[column].target.base_type;
}

size_t StagedTable::column(const std::string& name) const {
  for (size_t i = 0; i < map->columns.size(); ++i)
    if (map->columns[i].name == name) return i;
  return std::string::npos;
}

std::string StagedTable::create_stage() const {
  std::string columns;
  for (size_t i = 0; i < map->columns.size(); ++i) columns += ", " + v(i) + " text COLLATE \"C\"";
  if (map->multiset) columns += ", copy bigint";
  const std::string bare = "backout_stage_" + std::to_string(number);
  // The table's statistics are those of ANALYZE when it is full; fillfactor leaves room for marks.
  return hushed("CREATE TEMPORARY TABLE " + bare +
                    " (n bigint, op \"char\", mark \"char\" DEFAULT 'a', kind text, why text" + columns + ")",
                hush);
}

std::string StagedTable::create_undo() const {
  return hushed("CREATE TEMPORARY TABLE backout_undo_" + std::to_string(number) +
                    " AS SELECT 0::pg_catalog.int8 AS backout_n, t.* FROM " + map->target.from() + " AS t LIMIT 0",
                hush);
}

std::vector<std::string> StagedTable::writable() const {
  std::vector<std::string> names;
  for (const RowColumn& column : map->target.columns)
    if (!column.generated) names.push_back(sql_name(column.name));
  return names;
}

std::string StagedTable::insert(const std::string& condition) const {
  std::vector<std::string> names, values;
  for (size_t i = 0; i < map->columns.size(); ++i) {
    names.push_back(sql_name(map->columns[i].name));
    values.push_back(value(i));
  }
  for (const auto& [column, text] : map->fill) {
    names.push_back(sql_name(column));
    values.push_back(sql_text(text) + "::" + find_column(map->target, column)->type);
  }
  return "INSERT INTO " + sql_name(map->target.schema, map->target.name) + " (" + join(names, ", ") +
         ") OVERRIDING SYSTEM VALUE SELECT " + join(values, ", ") + " FROM " + stage() + " AS s WHERE s.op = 'i' AND " +
         condition;
}

std::string StagedTable::update(const std::string& condition) const {
  std::vector<std::string> sets;
  for (size_t i = map->key_size; i < map->columns.size(); ++i)
    if (!map->columns[i].target.identity_always) sets.push_back(sql_name(map->columns[i].name) + " = " + value(i));
  if (sets.empty()) return "";
  return "UPDATE " + map->target.from() + " AS t SET " + join(sets, ", ") + " FROM " + stage() + " AS s WHERE " +
         match() + " AND s.op = 'u' AND " + condition;
}

std::string StagedTable::remove(const std::string& condition) const {
  if (!map->multiset)
    return "DELETE FROM " + map->target.from() + " AS t USING " + stage() + " AS s WHERE " + match() + " AND " +
           condition;
  return "DELETE FROM " + map->target.from() + " AS d USING " + stage() + " AS s, " + rows() + " WHERE " + match() +
         " AND d.ctid = t.backout_ctid AND d.tableoid = t.backout_tableoid AND " + condition;
}

std::string hushed(const std::string& statement, bool hush) {
  // Triggers that fire in ordinary sessions do not in those that replay; nothing else of these statements differs.
  if (!hush) return statement;
  return "SET LOCAL session_replication_role = replica; " + statement + "; SET LOCAL session_replication_role = origin";
}

Result<bool> has_event_triggers(Connection& connection) {
  return TRY(connection.integer("SELECT pg_catalog.count(*) FROM pg_catalog.pg_event_trigger WHERE evtenabled <> "
                                "'D'")) > 0;
}

Result<void> Stager::deleted(const RowStream& target) {
  ++table_.staged.remove;
  if (table_.map->multiset) return put('d', target.line());
  std::string line;
  for (const std::string_view field : target.key()) line += std::string(line.empty() ? "" : "\t") + std::string(field);
  for (size_t i = table_.map->key_size; i < table_.map->columns.size(); ++i) line += "\t\\N";
  return put('d', line);
}

Result<void> Stager::put(char operation, std::string_view line) {
  if (!copy_) {
    TRY_VOID(target_.exec(table_.create_stage()));
    std::string columns = "n, op";
    for (size_t i = 0; i < table_.map->columns.size(); ++i) columns += ", " + v(i);
    if (table_.map->multiset) columns += ", copy";
    copy_ = TRY(target_.copy_in("COPY " + table_.stage() + " (" + columns + ") FROM STDIN"));
  }
  buffer_ = std::to_string(++number_);
  buffer_ += '\t';
  buffer_ += operation;
  buffer_ += '\t';
  buffer_ += line;
  buffer_ += '\n';
  return copy_->put(buffer_);
}

Result<void> Stager::finish() {
  if (!copy_) return {};
  const int64_t taken = TRY(copy_->finish());
  copy_.reset();
  if (taken != number_) return Error{Code::kInternal, "the target took fewer differences than it was given", ""};
  return target_.exec(hushed("CREATE INDEX ON " + table_.stage() + " (n)", table_.hush) + "; ANALYZE " +
                      table_.stage());
}

}  // namespace backout::postgresql
