// Store: where the journal's tables lie. The seam to another database; everything above it is the same for all.
//
// It speaks the SQL that SQLite and PostgreSQL share: placeholders $1, $2 ..., INSERT ... ON CONFLICT, RETURNING. One
// connection; not thread-safe (the journal holds a mutex around it).
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace backout::journal {

using Value = std::variant<int64_t, std::string>;

/// One row of a result, columns counted from 0. Valid only inside the call that it was handed to.
class Row {
 public:
  virtual ~Row() = default;
  virtual int64_t integer(int column) const = 0;
  virtual std::string_view text(int column) const = 0;
};
using EachRow = std::function<Result<void>(const Row&)>;

enum class Access {
  kRead,
  kWrite,
  kWriteAhead,  // as kWrite, but durable only with the next kWrite: for what means nothing before that
};

class Store {
 public:
  virtual ~Store() = default;
  /// kRead: one snapshot for everything up to rollback(). kWrite: the only writer of all processes, from now on.
  /// kTimedOut when another process kept the write lock too long; nothing has happened then.
  virtual Result<void> begin(Access access) = 0;
  /// Durable when it returns (but for kWriteAhead). After an error it may have happened or not: only looking tells.
  virtual Result<void> commit() = 0;
  /// Ends the transaction, if there is one, without effect.
  virtual void rollback() = 0;
  /// Rows changed. kNoSpace: disk or quota full. kUnavailable: the disk fails. kConflict: a key is there already.
  /// kCorrupt, kDenied.
  virtual Result<int64_t> execute(std::string_view sql, const std::vector<Value>& values) = 0;
  /// Calls `each` for every row; its error ends the query and is returned. May be nested.
  virtual Result<void> query(std::string_view sql, const std::vector<Value>& values, const EachRow& each) = 0;
  /// As far as the disk allows, has `bytes` in hand for what comes, so that a disk which fills up meanwhile does not
  /// matter. Not having them is no error. REQUIRES: no transaction is open.
  virtual void make_room(uint64_t bytes) = 0;
  /// What the database's own integrity check finds wrong; empty: nothing. Reads everything.
  virtual Result<std::vector<std::string>> check() = 0;
};

/// Rolls back unless commit() was called.
class Transaction {
 public:
  static Result<Transaction> begin(Store& store, Access access) {
    TRY_VOID(store.begin(access));
    return Transaction(store);
  }
  Transaction(Transaction&& other) noexcept : store_(std::exchange(other.store_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction() {
    if (store_ != nullptr) store_->rollback();
  }
  /// As Store::commit(); the transaction is over in any case.
  Result<void> commit() {
    Result<void> done = store_->commit();
    if (!done) store_->rollback();
    store_ = nullptr;
    return done;
  }

 private:
  explicit Transaction(Store& store) : store_(&store) {}
  Store* store_;
};

}  // namespace backout::journal
