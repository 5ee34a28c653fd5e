// RowCarrier: takes staged differences into the target, set by set, and settles what got in each other's way.
//
// A constraint can refuse a change only because another change has not come yet: such changes wait for the next round.
// What still waits when a round brings nothing is tried as a circle (two users swap a name): taken out and put in
// together. What is refused then is a conflict.
#pragma once
#include "database/postgresql/row_references.h"

namespace backout::postgresql {

class RowCarrier {
 public:
  RowCarrier(Connection& target, RowReferences& references) : target_(target), references_(references) {}

  /// REQUIRES: a transaction is open, and the target quiet. At the end every staged row is `a`, `r` or `k`.
  Result<void> carry();

 private:
  Result<void> save_undo(StagedTable& table, const std::string& condition);
  Result<void> round(const std::string& letter);
  Result<void> remove(StagedTable& table, const std::string& letter);
  Result<void> write(StagedTable& table, const std::string& operation, const std::string& letter);
  Result<bool> wait_for_each_other(StagedTable& table);
  Result<void> in_marked(StagedTable& table, const std::string& letter,
                         const std::function<std::string(const std::string&)>& statement);
  /// Until nothing waits any more, or nothing helps.
  Result<void> rounds();
  /// True: something went in that was refused before.
  Result<bool> try_again();
  Result<int64_t> marked(const std::string& letter);
  Result<int64_t> waiting() { return marked("p"); }
  Result<void> settle_circles();
  Result<bool> try_circle();
  Result<void> park(StagedTable& table);
  Result<bool> put_in_again(StagedTable& table);

  /// True: something was taken back.
  Result<bool> mend_references();
  Result<void> take_back();
  Result<void> let_go(StagedTable& table);
  Result<void> take_back_table(StagedTable& table);

  Connection& target_;
  RowReferences& references_;
};

}  // namespace backout::postgresql
