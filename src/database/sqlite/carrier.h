// Carrier: takes the differences of all tables into the target, and settles what got in each other's way.
//
// Unique constraints can refuse a change only because another change has not come yet (two users swap a name). Such
// changes wait and are tried again when everything else is in; what is still refused then is a conflict, reported with
// both sides.
#pragma once
#include <deque>
#include <string>

#include "database/sqlite/sides.h"
#include "database/sqlite/target_table.h"
#include "os/lines_file.h"

namespace backout::database {

/// One table while it is carried.
struct CarriedTable {
  const Carry* carry = nullptr;
  TargetTable target;
  RowStream base_look, live_look;  // by key
  TableDifference difference;
  Counts carried;         // in the target as users left them
  int64_t conflicts = 0;  // rows reported
};

class Carrier {
 public:
  Carrier(Connection& target, Sides& sides, os::LinesFile& conflicts, os::LinesFile& archive)
      : target_(target), sides_(sides), conflicts_(conflicts), archive_(archive) {}

  /// Prepares a table. kInternal: its rows cannot be written here (a collation or function only the application has).
  Result<void> add(const Carry& carry, const schema::Table& table, bool in_references);
  std::deque<CarriedTable>& tables() { return tables_; }
  CarriedTable* find(std::string_view table);

  /// One pass over the table's two sides.
  Result<void> carry(CarriedTable& table);
  /// After all tables: what waited.
  Result<void> settle_waiting();
  /// A change that cannot be in the target: written to the conflicts with both sides, marked, no longer counted as
  /// carried.
  Result<void> report(CarriedTable& table, Operation operation, const Key& key, const Refusal& refusal);
  /// As report(), for a change that was applied and has just been taken back.
  Result<void> report_taken_back(CarriedTable& table, const TargetTable::Entry& entry, const Refusal& refusal);

  /// The first conflicts, for the evidence: {"table", "operation", "kind", "key", "why"}.
  const Json& first_conflicts() const { return first_; }
  /// {table: {kind: rows}}.
  const Json& conflicts_by_kind() const { return by_kind_; }
  Json& archived_columns() { return archived_columns_; }

 private:
  class Pass;
  Result<bool> try_waiting_once();
  Result<void> settle_circles();
  Result<int64_t> report_refused(bool after_removal);
  static int64_t& count_of(Counts& counts, Operation operation);

  Connection& target_;
  Sides& sides_;
  os::LinesFile& conflicts_;
  os::LinesFile& archive_;
  std::deque<CarriedTable> tables_;  // stable addresses
  Json first_ = Json::array(), by_kind_ = Json::object(), archived_columns_ = Json::object();
};

}  // namespace backout::database
