// Taking back: carried rows that cannot stay become again what the target had.
#include "base/text.h"
#include "database/postgresql/row_carrier.h"

namespace backout::postgresql {
namespace {

std::string columns_of_undo(const StagedTable& table) {
  std::vector<std::string> columns;
  for (const std::string& name : table.writable()) columns.push_back("u." + name);
  return join(columns, ", ");
}

std::string put_back(const StagedTable& table, const std::string& condition) {
  return "INSERT INTO " + sql_name(table.map->target.schema, table.map->target.name) + " (" +
         join(table.writable(), ", ") + ") OVERRIDING SYSTEM VALUE SELECT " + columns_of_undo(table) + " FROM " +
         table.undo() + " AS u, " + table.stage() + " AS s WHERE u.backout_n = s.n AND s.mark = 'x' AND " + condition;
}

std::string change_back(const StagedTable& table) {
  std::vector<std::string> sets;
  for (const RowColumn& column : table.map->target.columns) {
    const size_t at = table.column(column.name);
    if (!column.generated && !column.identity_always && at != std::string::npos && at >= table.map->key_size)
      sets.push_back(sql_name(column.name) + " = u." + sql_name(column.name));
  }
  if (sets.empty()) return "";
  return "UPDATE " + table.map->target.from() + " AS t SET " + join(sets, ", ") + " FROM " + table.undo() + " AS u, " +
         table.stage() + " AS s WHERE u.backout_n = s.n AND s.mark = 'x' AND s.op = 'u' AND " + table.match();
}

}  // namespace

Result<bool> RowCarrier::mend_references() {
  for (bool any = false;; any = true) {
    const bool found = TRY(references_.mark_missing_parents()) || TRY(references_.mark_still_referenced());
    if (!found) return any;
    TRY_VOID(take_back());
    for (StagedTable* table : references_.children_first())
      TRY_VOID(target_.exec("UPDATE " + table->stage() + " SET mark = 'b' WHERE mark = 'x'"));
  }
}

Result<void> RowCarrier::take_back_table(StagedTable& table) {
  if (!table.has_undo || table.map->multiset) return {};
  if (const std::string back = change_back(table); !back.empty()) {
    const auto done = target_.exec("SAVEPOINT backout_back; " + back + "; RELEASE SAVEPOINT backout_back");
    if (!done) {
      if (!row_refusal(target_.sqlstate(), done.error()) || references_.has_actions(table)) return done.error();
      // Values that were swapped: out with all of them, then in again.
      TRY_VOID(target_.exec("ROLLBACK TO SAVEPOINT backout_back; " + table.remove("s.mark = 'x' AND s.op = 'u'") +
                            "; " + put_back(table, "s.op = 'u'")));
    }
  }
  // An action of a foreign key within a circle of tables may have taken an updated row with it.
  const std::string gone =
      "(s.op = 'd' OR (s.op = 'u' AND NOT EXISTS (SELECT FROM " + table.rows() + " WHERE " + table.match() + ")))";
  return target_.exec(put_back(table, gone));
}

Result<void> RowCarrier::let_go(StagedTable& table) {
  if (!table.has_undo || table.map->multiset) return {};
  const std::string back = change_back(table);
  if (back.empty()) return {};
  const auto done = target_.exec("SAVEPOINT backout_back; " + back + "; RELEASE SAVEPOINT backout_back");
  if (done) return {};
  if (!row_refusal(target_.sqlstate(), done.error())) return done.error();
  return target_.exec("ROLLBACK TO SAVEPOINT backout_back; RELEASE SAVEPOINT backout_back");
}

Result<void> RowCarrier::take_back() {
  for (;;) {
    TRY_VOID(target_.exec("SAVEPOINT backout_take"));
    // Updated rows first let go of inserted ones that they point at, where nothing stands in the way of that yet.
    for (StagedTable* table : references_.children_first()) TRY_VOID(let_go(*table));
    StagedTable* stuck = nullptr;
    RowRefusal why;
    const auto& tables = references_.children_first();
    for (size_t i = 0; i < 2 * tables.size(); ++i) {
      StagedTable* table = tables[i % tables.size()];
      const auto done =
          i < tables.size() ? target_.exec(table->remove("s.mark = 'x' AND s.op = 'i'")) : take_back_table(*table);
      if (done) continue;
      const auto refusal = row_refusal(target_.sqlstate(), done.error());
      if (!refusal) return done.error();
      stuck = table;
      why = *refusal;
      break;
    }
    if (stuck == nullptr) return target_.exec("RELEASE SAVEPOINT backout_take");
    // What the row was before is taken by another carried row: the whole table gives way, which always fits.
    TRY_VOID(target_.exec("ROLLBACK TO SAVEPOINT backout_take; RELEASE SAVEPOINT backout_take"));
    const Rows given =
        TRY(target_.query("UPDATE " + stuck->stage() + " SET mark = 'x', kind = 'unique', why = " +
                          sql_text("gives way to a row that had to be put back: " + why.why) + " WHERE mark = 'a'"));
    if (given.affected() == 0)
      return Error{Code::kConflict, "a row of " + stuck->map->shown + " could not be put back: " + why.why,
                   "nothing was carried; report this with the tables' definitions"};
    TRY_VOID(references_.spread().with_context("taking rows back"));
  }
}

}  // namespace backout::postgresql
