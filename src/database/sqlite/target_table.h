// TargetTable: one table of the restored file while rows are carried into it, inside the rescue's transaction.
//
// Every change is preceded by a look: a row that is already as users left it is done, a row that is neither that nor
// what the checkpoint had is a conflict, never overwritten. A log in the connection's temporary database remembers by
// key what was applied (so that it can be taken back), what must wait for another change, and what is reported. Memory
// does not grow.
#pragma once
#include <optional>
#include <string>

#include "database/sqlite/rows.h"

namespace backout::database {

enum class Operation { kInsert = 1, kUpdate = 2, kDelete = 3 };
std::string_view name_of(Operation operation);

enum class Mark {
  kApplied = 0,
  kWaiting = 1,   // refused by a unique constraint that another change may free
  kReported = 2,  // a conflict: the second diff must find it
  kKnown = 3,     // differed before we began (only on the way forward)
};

/// Why SQLite refused a row: "unique", "not-null", "check", "type"; or what the look found: "base-changed".
struct Refusal {
  std::string kind;
  std::string why;
};
/// Nothing: done.
using Tried = std::optional<Refusal>;

class TargetTable {
 public:
  /// `number` names its log. `log_applied`: something may have to be taken back later.
  /// REQUIRES: the file that the target was restored from is attached as `pristine`.
  static Result<TargetTable> open(Connection& target, const Carry& carry, const schema::Table& table, int number,
                                  bool log_applied);

  /// `base` is the row as the checkpoint has it.
  Result<Tried> insert(const RowStream& live);
  Result<Tried> update(const RowStream& base, const RowStream& live);
  Result<Tried> remove(const RowStream& base);

  /// Again, without looking: for changes that waited.
  Result<Tried> insert_again(const RowStream& live);
  Result<Tried> update_again(const RowStream& live);
  /// As an update after remove_row(): columns that live does not have come from the pristine row.
  Result<Tried> insert_over(const RowStream& live, const Key& key);
  Result<void> remove_row(const Key& key);
  /// Makes the row what the restored file had, whatever was applied.
  Result<Tried> take_back(Operation operation, const Key& key);

  Result<void> mark(Mark mark, Operation operation, const Key& key);
  struct Entry {
    int64_t number = 0;  // in the log
    Operation operation = Operation::kInsert;
    Key key;  // valid until the next call
  };
  /// The first entry with that mark after `number`; nothing: there is no more.
  Result<std::optional<Entry>> next_marked(Mark mark, int64_t number);
  /// The newest entry for the key with that mark.
  Result<std::optional<Entry>> find_marked(Mark mark, const Key& key);
  Result<void> set_mark(int64_t number, Mark mark);

  /// The row as it is in the target now; done() when there is none.
  Result<RowStream*> row(const Key& key);
  const Carry& carry() const { return *carry_; }
  const std::string& log() const { return log_; }

 private:
  Result<Tried> write(Statement& statement);
  Result<std::optional<Entry>> entry(Statement& statement);
  void bind_columns(Statement& statement, const RowStream& row, int first);
  Result<void> logged(Operation operation, const Key& key);

  Connection* target_ = nullptr;
  const Carry* carry_ = nullptr;
  bool log_applied_ = false;
  std::string log_;
  RowStream look_;
  Statement insert_, update_, remove_, put_back_, put_over_;
  Statement log_add_, log_next_, log_find_, log_set_;
};

}  // namespace backout::database
