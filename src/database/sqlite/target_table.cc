#include "database/sqlite/target_table.h"

#include "base/text.h"

namespace backout::database {
namespace {

std::string parameters(size_t first, size_t count) {
  std::string list;
  for (size_t i = 0; i < count; ++i) list += (i == 0 ? "?" : ", ?") + std::to_string(first + i);
  return list;
}

std::string names_of(const std::vector<std::string>& columns) {
  std::vector<std::string> names;
  for (const auto& column : columns) names.push_back(sql_name(column));
  return join(names, ", ");
}

std::string kind_of(int extended) {
  switch (extended) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID: return "unique";
    case SQLITE_CONSTRAINT_NOTNULL: return "not-null";
    case SQLITE_CONSTRAINT_DATATYPE:
    case SQLITE_MISMATCH: return "type";
    default: return "check";
  }
}

}  // namespace

std::string_view name_of(Operation operation) {
  switch (operation) {
    case Operation::kInsert: return "insert";
    case Operation::kUpdate: return "update";
    case Operation::kDelete: return "delete";
  }
  return "";
}

Result<TargetTable> TargetTable::open(Connection& target, const Carry& carry, const schema::Table& table, int number,
                                      bool log_applied) {
  TargetTable out;
  out.target_ = &target;
  out.carry_ = &carry;
  out.log_applied_ = log_applied;
  out.look_ = TRY(RowStream::lookup(target, carry, RowStream::Side::kTarget));

  const std::string name = "main." + sql_name(carry.table), rowid = carry.rowid.empty() ? "" : carry.rowid + ", ";
  const size_t columns = carry.columns.size(), extra = carry.rowid.empty() ? 0 : 1,
               keys = carry.rowid.empty() ? carry.key.size() : 1;
  const int key_at = static_cast<int>(columns + 1);
  out.insert_ =
      TRY(target.prepare("INSERT OR ABORT INTO " + name + " (" + rowid + names_of(carry.columns) + ") VALUES (" +
                         (extra == 0 ? "" : "?" + std::to_string(key_at) + ", ") + parameters(1, columns) + ")"));
  std::string sets;
  for (size_t i = 0; i < columns; ++i)
    sets += (i == 0 ? "" : ", ") + sql_name(carry.columns[i]) + " = ?" + std::to_string(i + 1);
  out.update_ = TRY(target.prepare("UPDATE OR ABORT " + name + " SET " + sets + where_key(carry, key_at)));
  out.remove_ = TRY(target.prepare("DELETE FROM " + name + where_key(carry, 1)));

  std::string all = rowid, over = rowid, over_values = rowid;
  for (const auto& column : table.columns) {
    if (column.hidden || column.generated != schema::Generated::kNo) continue;
    all += (all.empty() || all == rowid ? "" : ", ") + sql_name(column.name);
  }
  over += names_of(carry.columns);
  over_values += parameters(1, columns);
  for (const auto& column : carry.only_target) {
    over += ", " + sql_name(column);
    over_values += ", " + sql_name(column);
  }
  const std::string pristine = " FROM pristine." + sql_name(carry.table);
  out.put_back_ = TRY(
      target.prepare("INSERT OR ABORT INTO " + name + " (" + all + ") SELECT " + all + pristine + where_key(carry, 1)));
  out.put_over_ = TRY(target.prepare("INSERT OR ABORT INTO " + name + " (" + over + ") SELECT " + over_values +
                                     pristine + where_key(carry, key_at)));

  out.log_ = "temp.log_" + std::to_string(number);
  std::string plain;
  for (size_t i = 0; i < keys; ++i) plain += ", k" + std::to_string(i);
  TRY_VOID(target.exec("CREATE TABLE " + out.log_ + " (number INTEGER PRIMARY KEY, mark INTEGER, operation INTEGER" +
                       plain + ");" + "CREATE INDEX temp.log_key_" + std::to_string(number) + " ON log_" +
                       std::to_string(number) + " (" + key_columns(carry) + ");" + "CREATE INDEX temp.log_mark_" +
                       std::to_string(number) + " ON log_" + std::to_string(number) + " (mark) WHERE mark <> 0;"));
  std::string where;
  for (size_t i = 0; i < keys; ++i) {
    const std::string part = split(key_columns(carry), ',')[i];
    where += (i == 0 ? "" : " AND ") + std::string(trimmed(part)) + " IS ?" + std::to_string(i + 1);
  }
  out.log_add_ = TRY(target.prepare("INSERT INTO " + out.log_ + " (mark, operation" + plain + ") VALUES (?1, ?2, " +
                                    parameters(3, keys) + ")"));
  out.log_next_ = TRY(target.prepare("SELECT number, operation" + plain + " FROM " + out.log_ +
                                     " WHERE mark = ?1 AND mark <> 0 AND number > ?2 ORDER BY number LIMIT 1"));
  out.log_find_ = TRY(target.prepare("SELECT number, operation" + plain + " FROM " + out.log_ + " WHERE " + where +
                                     " AND mark = ?" + std::to_string(keys + 1) + " ORDER BY number DESC LIMIT 1"));
  out.log_set_ = TRY(target.prepare("UPDATE " + out.log_ + " SET mark = ?1 WHERE number = ?2"));
  return out;
}

void TargetTable::bind_columns(Statement& statement, const RowStream& row, int first) {
  for (size_t i = 0; i < carry_->columns.size(); ++i) bind(statement.raw(), first + static_cast<int>(i), row.cell(i));
}

Result<Tried> TargetTable::write(Statement& statement) {
  const int code = sqlite3_step(statement.raw());
  const int extended = sqlite3_extended_errcode(target_->raw());
  Tried out;
  if (code != SQLITE_DONE) {
    const int primary = code & 0xff;
    const Error error = target_->error(code, carry_->table);
    sqlite3_reset(statement.raw());
    // SQLITE_ERROR: an expression of a CHECK, an index or a computed column cannot be evaluated for this row.
    if (primary != SQLITE_CONSTRAINT && primary != SQLITE_MISMATCH && primary != SQLITE_ERROR &&
        primary != SQLITE_TOOBIG)
      return error;
    out = Refusal{kind_of(extended), one_line(sqlite3_errmsg(target_->raw()))};
    return out;
  }
  sqlite3_reset(statement.raw());
  return out;
}

Result<void> TargetTable::logged(Operation operation, const Key& key) {
  return log_applied_ ? mark(Mark::kApplied, operation, key) : Result<void>();
}

Result<Tried> TargetTable::insert(const RowStream& live) {
  const Key key = live.key();
  TRY_VOID(look_.find(key));
  if (!look_.done()) {
    if (same_row(look_, live)) return Tried();
    return Tried(Refusal{"unique", "another row has this key already"});
  }
  return insert_again(live);
}

Result<Tried> TargetTable::insert_again(const RowStream& live) {
  bind_columns(insert_, live, 1);
  const Key key = live.key();
  if (!carry_->rowid.empty()) bind(insert_.raw(), static_cast<int>(carry_->columns.size() + 1), key[0]);
  auto tried = TRY(write(insert_));
  if (!tried) TRY_VOID(logged(Operation::kInsert, key));
  return tried;
}

Result<Tried> TargetTable::update(const RowStream& base, const RowStream& live) {
  TRY_VOID(look_.find(live.key()));
  if (look_.done()) return Tried(Refusal{"base-changed", "the row is not in the file that it would be carried into"});
  if (same_row(look_, live)) return Tried();
  if (!same_row(look_, base))
    return Tried(Refusal{"base-changed", "the row is not what it was when users began to change it"});
  return update_again(live);
}

Result<Tried> TargetTable::update_again(const RowStream& live) {
  const Key key = live.key();
  bind_columns(update_, live, 1);
  for (size_t i = 0; i < key.size(); ++i) bind(update_.raw(), static_cast<int>(carry_->columns.size() + 1 + i), key[i]);
  auto tried = TRY(write(update_));
  if (!tried) TRY_VOID(logged(Operation::kUpdate, key));
  return tried;
}

Result<Tried> TargetTable::remove(const RowStream& base) {
  const Key key = base.key();
  TRY_VOID(look_.find(key));
  if (look_.done()) return Tried();
  if (!same_row(look_, base)) return Tried(Refusal{"base-changed", "the row is not what it was when users deleted it"});
  look_.release();
  TRY_VOID(remove_row(key));
  TRY_VOID(logged(Operation::kDelete, key));
  return Tried();
}

Result<Tried> TargetTable::insert_over(const RowStream& live, const Key& key) {
  bind_columns(put_over_, live, 1);
  for (size_t i = 0; i < key.size(); ++i)
    bind(put_over_.raw(), static_cast<int>(carry_->columns.size() + 1 + i), key[i]);
  auto tried = TRY(write(put_over_));
  if (!tried) TRY_VOID(logged(Operation::kUpdate, key));
  return tried;
}

Result<void> TargetTable::remove_row(const Key& key) {
  for (size_t i = 0; i < key.size(); ++i) bind(remove_.raw(), static_cast<int>(i + 1), key[i]);
  return remove_.run();
}

Result<Tried> TargetTable::take_back(Operation operation, const Key& key) {
  if (operation != Operation::kDelete) TRY_VOID(remove_row(key));
  if (operation == Operation::kInsert) return Tried();
  for (size_t i = 0; i < key.size(); ++i) bind(put_back_.raw(), static_cast<int>(i + 1), key[i]);
  return write(put_back_);
}

Result<void> TargetTable::mark(Mark mark, Operation operation, const Key& key) {
  log_add_.bind(1, static_cast<int64_t>(mark)).bind(2, static_cast<int64_t>(operation));
  for (size_t i = 0; i < key.size(); ++i) bind(log_add_.raw(), static_cast<int>(i + 3), key[i]);
  return log_add_.run();
}

Result<std::optional<TargetTable::Entry>> TargetTable::entry(Statement& statement) {
  std::optional<Entry> out;
  if (!TRY(statement.step())) return out;
  out = Entry{.number = statement.integer(0), .operation = static_cast<Operation>(statement.integer(1))};
  for (int i = 2; i < sqlite3_column_count(statement.raw()); ++i) out->key.push_back(cell_of(statement.raw(), i));
  return out;
}

Result<std::optional<TargetTable::Entry>> TargetTable::next_marked(Mark mark, int64_t number) {
  log_next_.reset();
  log_next_.bind(1, static_cast<int64_t>(mark)).bind(2, number);
  return entry(log_next_);
}

Result<std::optional<TargetTable::Entry>> TargetTable::find_marked(Mark mark, const Key& key) {
  log_find_.reset();
  for (size_t i = 0; i < key.size(); ++i) bind(log_find_.raw(), static_cast<int>(i + 1), key[i]);
  log_find_.bind(static_cast<int>(key.size() + 1), static_cast<int64_t>(mark));
  return entry(log_find_);
}

Result<void> TargetTable::set_mark(int64_t number, Mark mark) {
  log_set_.bind(1, static_cast<int64_t>(mark)).bind(2, number);
  return log_set_.run();
}

Result<RowStream*> TargetTable::row(const Key& key) {
  TRY_VOID(look_.find(key));
  return &look_;
}

}  // namespace backout::database
