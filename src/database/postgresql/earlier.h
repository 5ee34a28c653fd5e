// Earlier: what an earlier try of the same rescue, on the same target, has brought in already.
//
// A rescue leaves no mark in the database that goes into production. Before its COMMIT it writes its evidence beside
// the record, with the number of its transaction; the server knows later whether that was committed. So a try that was
// killed right after its COMMIT still counts, and a table that is carried again adds to what was carried before.
#pragma once
#include <set>

#include "base/json.h"
#include "database/postgresql/connection.h"

namespace backout::postgresql {

class Earlier {
 public:
  /// Not in a transaction. What is written of another target, or with other arguments, does not count.
  static Result<Earlier> find(Connection& target, const Json& args, const std::string& record);

  /// Adds what came in earlier. `only`: the tables that were carried now, all when it is empty.
  void add_to(Json& evidence, const std::set<std::string>& only) const;
  void add_residue(Json& evidence, const Json& residue, const std::set<std::string>& only) const;

  /// REQUIRES: the rescue's transaction is open and about to be committed.
  Result<void> keep_pending(Connection& target, const Json& evidence) const;
  /// Everything is proved: writes the record {"args", "evidence", "marks", "target_oid"}.
  Result<void> finish(const Json& evidence, const Json& marks, const std::set<std::string>& only) const;

 private:
  Json args_, evidence_, marks_;
  std::string record_;
  int64_t target_oid_ = 0;
};

}  // namespace backout::postgresql
