#include "database/sqlite/rows.h"

#include "base/text.h"

namespace backout::database {
namespace {

std::string_view collate(Collation collation) {
  switch (collation) {
    case Collation::kBinary: return "BINARY";
    case Collation::kNocase: return "NOCASE";
    case Collation::kRtrim: return "RTRIM";
  }
  return "BINARY";
}

std::string names_of(const std::vector<std::string>& columns) {
  std::vector<std::string> names;
  for (const auto& column : columns) names.push_back(sql_name(column));
  return join(names, ", ");
}

/// One more column that says whether any new column differs from its default.
std::string news_of(const Carry& carry) {
  std::string names, differs;
  for (const auto& column : carry.only_live) {
    names += ", " + sql_name(column.name);
    differs += (differs.empty() ? "" : " OR ") + sql_name(column.name) + " IS NOT (" +
               column.default_text.value_or("NULL") + ")";
  }
  return carry.only_live.empty() ? "" : names + ", (" + differs + ")";
}

}  // namespace

std::string key_expressions(const Carry& carry) {
  std::string all;
  for (const KeyPart& part : carry.key)
    all += (all.empty() ? "" : ", ") + sql_name(carry.columns[part.column]) + " COLLATE " +
           std::string(collate(part.collation));
  return all;
}

std::string where_key(const Carry& carry, int first) {
  if (!carry.rowid.empty()) return " WHERE " + carry.rowid + " = ?" + std::to_string(first);
  std::string where;
  for (const auto& part : carry.key) {
    where += (where.empty() ? " WHERE " : " AND ") + sql_name(carry.columns[part.column]) + " COLLATE " +
             std::string(collate(part.collation)) + " IS ?" + std::to_string(first++);
  }
  return where;
}

std::string key_columns(const Carry& carry) {
  if (!carry.rowid.empty()) return "k0";
  std::string columns;
  for (size_t i = 0; i < carry.key.size(); ++i)
    columns += (i == 0 ? "k" : ", k") + std::to_string(i) + " COLLATE " + std::string(collate(carry.key[i].collation));
  return columns;
}

Result<RowStream> RowStream::scan(Connection& connection, const Carry& carry, Side side) {
  auto stream = TRY(open(connection, carry, side, false));
  TRY_VOID(stream.next());
  return stream;
}

Result<RowStream> RowStream::lookup(Connection& connection, const Carry& carry, Side side) {
  return open(connection, carry, side, true);
}

Result<RowStream> RowStream::open(Connection& connection, const Carry& carry, Side side, bool one) {
  RowStream stream;
  stream.carry_ = &carry;
  stream.first_ = carry.rowid.empty() ? 0 : 1;
  stream.with_news_ = side == Side::kLive && !carry.only_live.empty();
  std::string sql = "SELECT " + (carry.rowid.empty() ? "" : carry.rowid + ", ") + names_of(carry.columns);
  if (stream.with_news_) sql += news_of(carry);
  sql += " FROM main." + sql_name(carry.table);
  if (one) {
    sql += where_key(carry, 1);
  } else if (!carry.rowid.empty()) {
    sql += " ORDER BY " + carry.rowid;
  } else {
    sql += " ORDER BY " + key_expressions(carry);
  }
  stream.source_ = TRY(connection.prepare(sql));
  stream.row_ = stream.source_.raw();
  if ((side == Side::kBase && carry.convert_base) || (side == Side::kLive && carry.convert_live))
    TRY_VOID(stream.prepare_conversion(connection));
  return stream;
}

/// SQLite itself converts, by storing the row in a table with the target's affinities: exact by construction.
Result<void> RowStream::prepare_conversion(Connection& connection) {
  const bool query_only = TRY(connection.integer("PRAGMA query_only")) != 0;
  if (query_only) TRY_VOID(connection.exec("PRAGMA query_only=OFF"));
  // One table for each stream: two of them may stand on different rows at the same time.
  const std::string table =
      sql_name("backout row " + std::to_string(TRY(connection.integer("SELECT count(*) FROM temp.sqlite_schema"))));
  std::string definitions = first_ == 1 ? ", key_of_row BLOB" : "", parameters = first_ == 1 ? ", ?1" : "",
              shown = first_ == 1 ? "key_of_row" : "";
  for (size_t i = 0; i < carry_->columns.size(); ++i) {
    const std::string column = "c" + std::to_string(i);
    definitions += ", " + column + " " + std::string(name_of(carry_->affinities[i]));
    parameters += ", ?" + std::to_string(i + 1 + first_);
    shown += (shown.empty() ? "" : ", ") + column;
  }
  TRY_VOID(connection.exec("CREATE TEMP TABLE " + table + "(number INTEGER PRIMARY KEY" + definitions + ")"));
  put_ = TRY(connection.prepare("INSERT OR REPLACE INTO temp." + table + " VALUES (1" + parameters + ")"));
  shown_ = TRY(connection.prepare("SELECT " + shown + " FROM temp." + table));
  return {};
}

Result<void> RowStream::convert() {
  shown_.reset();
  const size_t count = first_ + carry_->columns.size();
  for (size_t i = 0; i < count; ++i)
    bind(put_.raw(), static_cast<int>(i + 1), cell_of(source_.raw(), static_cast<int>(i)));
  TRY_VOID(put_.run());
  if (!TRY(shown_.step())) return Error{Code::kInternal, "a converted row is gone", ""};
  row_ = shown_.raw();
  return {};
}

Result<void> RowStream::next() {
  if (!TRY(source_.step())) {
    done_ = true;
    return {};
  }
  if (put_) TRY_VOID(convert());
  return {};
}

Result<void> RowStream::find(const Key& key) {
  source_.reset();
  done_ = false;
  for (size_t i = 0; i < key.size(); ++i) bind(source_.raw(), static_cast<int>(i + 1), key[i]);
  return next();
}

Key RowStream::key() const {
  Key key;
  for (size_t i = 0; i < key_size(); ++i) key.push_back(key_cell(i));
  return key;
}

bool RowStream::has_news() const {
  return with_news_ && sqlite3_column_int(source_.raw(), static_cast<int>(first_ + carry_->columns.size() +
                                                                          carry_->only_live.size())) != 0;
}

Json RowStream::json() const {
  Json row = Json::object();
  if (first_ == 1) row[carry_->rowid] = to_json(key_cell(0));
  for (size_t i = 0; i < carry_->columns.size(); ++i) row[carry_->columns[i]] = to_json(cell(i));
  if (with_news_)
    for (size_t i = 0; i < carry_->only_live.size(); ++i) row[carry_->only_live[i].name] = to_json(new_cell(i));
  return row;
}

Json RowStream::key_json() const {
  Json key = Json::object();
  if (first_ == 1) key[carry_->rowid] = to_json(key_cell(0));
  for (const auto& part : carry_->key) key[carry_->columns[part.column]] = to_json(cell(part.column));
  return key;
}

int order(const RowStream& a, const RowStream& b) {
  const Carry& carry = a.carry();
  for (size_t i = 0; i < a.key_size(); ++i) {
    const Collation collation = carry.rowid.empty() ? carry.key[i].collation : Collation::kBinary;
    if (const int by_part = order(a.key_cell(i), b.key_cell(i), collation); by_part != 0) return by_part;
  }
  return 0;
}

bool same_row(const RowStream& a, const RowStream& b) {
  for (size_t i = 0; i < a.carry().columns.size(); ++i)
    if (!same(a.cell(i), b.cell(i))) return false;
  return true;
}

}  // namespace backout::database
