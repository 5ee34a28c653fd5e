// Quiet: while rows are carried the target's own reactions are off - users' triggers, rules, event triggers - and its
// foreign keys wait. Everything is put back exactly as it was before the transaction ends; should it not end, the
// transaction took it back.
#pragma once
#include "database/postgresql/row_references.h"

namespace backout::postgresql {

class Quiet {
 public:
  /// REQUIRES: a transaction is open. Needs the right to ALTER the tables, and where an event trigger would hear of
  /// that, the right to set session_replication_role (kDenied says so).
  static Result<Quiet> begin(Connection& target, const RowCatalogue& catalogue, const std::deque<StagedTable>& staged);
  /// Checks every foreign key that was deferred, then puts everything back. kConflict: one does not hold.
  Result<void> end();

 private:
  explicit Quiet(Connection& target) : target_(&target) {}
  Result<void> quieten(const RowTable& table);
  Result<void> alter(const std::string& statement);
  Connection* target_;
  bool event_triggers_ = false;
  std::vector<std::string> put_back_;
};

}  // namespace backout::postgresql
