#include "database/postgresql/quiet.h"

#include <set>

namespace backout::postgresql {
namespace {

/// Triggers and rules of a table and of its partitions, with the state they are in.
std::string reactions_of(int64_t oid) {
  const std::string tables = "(SELECT " + std::to_string(oid) +
                             "::pg_catalog.oid AS oid UNION SELECT relid FROM pg_catalog.pg_partition_tree(" +
                             std::to_string(oid) + "))";
  return "SELECT n.nspname, c.relname, x.what, x.name, x.state FROM (SELECT tgrelid AS relation, 'TRIGGER' AS what, "
         "tgname AS name, tgenabled AS state FROM pg_catalog.pg_trigger WHERE NOT tgisinternal UNION ALL SELECT "
         "ev_class, 'RULE', rulename, ev_enabled FROM pg_catalog.pg_rewrite) AS x JOIN pg_catalog.pg_class c ON c.oid "
         "= x.relation JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE x.state <> 'D' AND c.relkind IN "
         "('r', 'p') AND c.oid IN " +
         tables + " ORDER BY 1, 2, 3, 4";
}

std::string enabling(const std::string& state) {
  if (state == "R") return " ENABLE REPLICA ";
  return state == "A" ? " ENABLE ALWAYS " : " ENABLE ";
}

std::string deferral(bool deferrable, bool deferred) {
  if (!deferrable) return " NOT DEFERRABLE";
  return deferred ? " DEFERRABLE INITIALLY DEFERRED" : " DEFERRABLE INITIALLY IMMEDIATE";
}

}  // namespace

Result<void> Quiet::alter(const std::string& statement) { return target_->exec(hushed(statement, event_triggers_)); }

Result<void> Quiet::quieten(const RowTable& table) {
  const Rows rows = TRY(target_->query(reactions_of(table.oid)));
  for (int row = 0; row < rows.count(); ++row) {
    const std::string alter_table = "ALTER TABLE ONLY " + sql_name(rows.text(row, 0), rows.text(row, 1));
    const std::string what = rows.text(row, 2), name = sql_name(rows.text(row, 3));
    TRY_VOID(alter(alter_table + " DISABLE " + what + " " + name));
    put_back_.push_back(alter_table + enabling(rows.text(row, 4)) + what + " " + name);
  }
  return {};
}

Result<Quiet> Quiet::begin(Connection& target, const RowCatalogue& catalogue, const std::deque<StagedTable>& staged) {
  Quiet quiet(target);
  quiet.event_triggers_ = TRY(has_event_triggers(target));
  std::set<int64_t> ours;
  for (const StagedTable& table : staged) ours.insert(table.map->target.oid);
  // Cascades of a table that is left reach others: all that a key leads to is quiet.
  std::set<int64_t> reached = ours;
  for (bool again = true; again;) {
    again = false;
    for (const RowReference& reference : catalogue.references)
      if (reached.contains(reference.parent)) again = reached.insert(reference.child).second || again;
  }
  for (const int64_t oid : reached)
    if (const auto table = catalogue.tables.find(oid); table != catalogue.tables.end())
      TRY_VOID(quiet.quieten(table->second).with_context("quietening " + table->second.shown()));
  for (const RowReference& reference : catalogue.references) {
    const auto child = catalogue.tables.find(reference.child);
    if (child == catalogue.tables.end() || !(reached.contains(reference.child) || ours.contains(reference.parent)))
      continue;
    const std::string alter_key = "ALTER TABLE " + sql_name(child->second.schema, child->second.name) +
                                  " ALTER CONSTRAINT " + sql_name(reference.name);
    if (reference.deferrable && reference.deferred) continue;
    TRY_VOID(quiet.alter(alter_key + deferral(true, true)).with_context("deferring " + reference.name));
    quiet.put_back_.push_back(alter_key + deferral(reference.deferrable, reference.deferred));
  }
  TRY_VOID(target.exec("SET CONSTRAINTS ALL DEFERRED"));
  return quiet;
}

Result<void> Quiet::end() {
  if (const auto checked = target_->exec("SET CONSTRAINTS ALL IMMEDIATE"); !checked) {
    if (!row_refusal(target_->sqlstate(), checked.error())) return checked.error();
    return Error{Code::kConflict, "a foreign key does not hold after the rescue: " + checked.error().message,
                 "nothing was carried; report this with the tables' definitions"};
  }
  for (const std::string& statement : put_back_) TRY_VOID(alter(statement));
  return {};
}

}  // namespace backout::postgresql
