#include "database/postgresql/row_carrier.h"

namespace backout::postgresql {
namespace {

constexpr int kTriesForAll = 5;  // rows that were taken back are not tried for ever

std::string with_mark(const std::string& letter) { return "s.mark = " + sql_text(letter); }

std::string move_mark(const StagedTable& table, const std::string& from, const std::string& to,
                      const std::string& condition) {
  return "UPDATE " + table.stage() + " AS s SET mark = " + sql_text(to) + " WHERE " + with_mark(from) + " AND " +
         condition;
}

}  // namespace

Result<void> RowCarrier::save_undo(StagedTable& table, const std::string& condition) {
  if (table.map->multiset) return {};  // equal rows, which nobody points at: they never come back
  if (!table.has_undo) TRY_VOID(target_.exec(table.create_undo()));
  table.has_undo = true;
  const std::string numbered = "SELECT s.n, t.* FROM " + table.rows() + ", " + table.stage() + " AS s WHERE " +
                               table.match() + " AND s.op IN ('u', 'd') AND NOT EXISTS (SELECT FROM " + table.undo() +
                               " AS u WHERE u.backout_n = s.n) AND " + condition;
  return target_.exec("INSERT INTO " + table.undo() + " " + numbered + "; ANALYZE " + table.undo());
}

Result<void> RowCarrier::in_marked(StagedTable& table, const std::string& letter,
                                   const std::function<std::string(const std::string&)>& statement) {
  const int64_t last = TRY(target_.integer("SELECT coalesce(max(n), 0) FROM " + table.stage()));
  const auto refused = [&](int64_t n, const RowRefusal& refusal) {
    return target_.exec("UPDATE " + table.stage() + " SET mark = 'p', kind = " + sql_text(refusal.kind) +
                        ", why = " + sql_text(refusal.why) + " WHERE n = " + std::to_string(n));
  };
  return in_halves(
      target_, 1, last, [&](const std::string& range) { return statement(with_mark(letter) + " AND " + range); },
      refused);
}

Result<void> RowCarrier::remove(StagedTable& table, const std::string& letter) {
  if (table.staged.remove == 0) return {};
  TRY_VOID(
      in_marked(table, letter, [&](const std::string& marked) { return table.remove("s.op = 'd' AND " + marked); }));
  return letter == "a" ? Result<void>() : target_.exec(move_mark(table, letter, "a", "s.op = 'd'"));
}

/// All updates of a table at once. True: a unique value stood in the way. In a list whose places all moved by one,
/// trying each row for itself would take for ever: they are a circle, to begin with.
Result<bool> RowCarrier::wait_for_each_other(StagedTable& table) {
  const auto done =
      target_.exec("SAVEPOINT backout_all; " + table.update("s.mark = 'a'") + "; RELEASE SAVEPOINT backout_all");
  if (!done) {
    const auto refusal = row_refusal(target_.sqlstate(), done.error());
    if (!refusal) return done.error();
    TRY_VOID(target_.exec("ROLLBACK TO SAVEPOINT backout_all; RELEASE SAVEPOINT backout_all"));
    if (refusal->kind != "unique") return false;
    TRY_VOID(target_.exec("UPDATE " + table.stage() + " SET mark = 'p', kind = 'unique', why = " +
                          sql_text(refusal->why) + " WHERE mark = 'a' AND op = 'u'"));
  }
  return true;
}

Result<void> RowCarrier::write(StagedTable& table, const std::string& operation, const std::string& letter) {
  if ((operation == "u" ? table.staged.update : table.staged.insert) == 0) return {};
  const std::string only = "s.op = " + sql_text(operation);
  if (letter != "a") TRY_VOID(target_.exec(move_mark(table, "p", letter, only)));
  if (operation == "u") {
    if (table.update("true").empty()) return {};
    TRY_VOID(references_.hold_back_updates(table, letter));
  }
  if (operation == "u" && letter == "a" && TRY(wait_for_each_other(table))) return {};
  TRY_VOID(in_marked(table, letter, [&](const std::string& marked) {
    return operation == "u" ? table.update(marked) : table.insert(marked);
  }));
  return letter == "a" ? Result<void>() : target_.exec(move_mark(table, letter, "a", only));
}

Result<void> RowCarrier::round(const std::string& letter) {
  if (letter != "a")
    for (StagedTable* table : references_.children_first())
      if (table->staged.remove > 0) TRY_VOID(target_.exec(move_mark(*table, "p", letter, "s.op = 'd'")));
  TRY_VOID(references_.hold_back_deletes(letter));
  TRY_VOID(references_.count_cascades(letter));
  const auto& tables = references_.children_first();
  for (StagedTable* table : tables) TRY_VOID(remove(*table, letter).with_context("deleting in " + table->map->shown));
  for (StagedTable* table : tables) TRY_VOID(write(*table, "u", letter).with_context("updating " + table->map->shown));
  for (auto table = tables.rbegin(); table != tables.rend(); ++table)
    TRY_VOID(write(**table, "i", letter).with_context("inserting into " + (*table)->map->shown));
  return {};
}

Result<int64_t> RowCarrier::marked(const std::string& letter) {
  int64_t rows = 0;
  for (StagedTable* table : references_.children_first())
    rows +=
        TRY(target_.integer("SELECT pg_catalog.count(*) FROM " + table->stage() + " WHERE mark = " + sql_text(letter)));
  return rows;
}

Result<void> RowCarrier::carry() {
  for (StagedTable* table : references_.children_first())
    if (references_.touches(*table) && table->staged.update + table->staged.remove > 0)
      TRY_VOID(save_undo(*table, "s.mark = 'a'"));
  TRY_VOID(round("a"));
  TRY_VOID(rounds());
  // What was taken back may have stood in the way of others; what goes in then, or a delete that was taken back, may be
  // what others point at. So all are tried again, as long as that changes anything.
  int64_t before = -1;
  bool mended = false;
  for (int tries = 0; TRY(mend_references()); ++tries) {
    mended = true;
    const int64_t back = TRY(marked("b"));
    const bool progress = TRY(try_again());
    if (!progress && (back == before || tries >= kTriesForAll)) break;
    before = back;
    if (tries >= kTriesForAll) continue;
    for (StagedTable* table : references_.children_first()) TRY_VOID(target_.exec(move_mark(*table, "b", "p", "true")));
    TRY_VOID(rounds());
  }
  if (!mended) return {};
  for (StagedTable* table : references_.children_first()) TRY_VOID(target_.exec(move_mark(*table, "b", "r", "true")));
  return {};
}

Result<void> RowCarrier::rounds() {
  if (TRY(waiting()) == 0) return {};
  TRY_VOID(settle_circles());
  for (int64_t left = TRY(waiting()); left > 0;) {
    TRY_VOID(round("e"));
    // A row that frees the next one in a long line frees it a round later: that would take for ever.
    if (TRY(waiting()) * 2 > left) TRY_VOID(settle_circles());
    const int64_t now = TRY(waiting());
    if (now >= left) break;
    left = now;
  }
  for (StagedTable* table : references_.children_first()) TRY_VOID(target_.exec(move_mark(*table, "p", "r", "true")));
  return {};
}

Result<bool> RowCarrier::try_again() {
  for (StagedTable* table : references_.children_first())
    TRY_VOID(target_.exec(move_mark(*table, "r", "p", "s.kind IN ('unique', 'still-referenced')")));
  const int64_t before = TRY(waiting());
  if (before == 0) return false;
  TRY_VOID(rounds());
  int64_t refused = 0;
  for (StagedTable* table : references_.children_first())
    refused += TRY(target_.integer("SELECT pg_catalog.count(*) FROM " + table->stage() +
                                   " WHERE mark = 'r' AND kind IN ('unique', 'still-referenced')"));
  return refused < before;
}

}  // namespace backout::postgresql
