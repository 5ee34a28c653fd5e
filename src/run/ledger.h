// Ledger: the journal of one run under one lease, and the state folded from it. Appends are durable before they return;
// the state never knows more than the journal. Thread-safe.
#pragma once
#include <mutex>
#include <vector>

#include "run/context.h"
#include "run/state.h"

namespace backout::run {

class Ledger {
 public:
  /// Reads the run so far.
  static Result<std::unique_ptr<Ledger>> open(const Context& context, const Plan& plan, int64_t token);
  /// kConflict: the lease was lost. Other errors: the journal cannot be written, and the run must stop.
  Result<void> append(std::vector<journal::NewEvent> events);
  /// A copy: the state moves on.
  RunState state() const;
  PairState at(const Pair& pair) const;
  int64_t token() const { return token_; }
  const Plan& plan() const { return plan_; }

 private:
  Ledger(const Context& context, const Plan& plan, int64_t token, RunState state)
      : context_(context), plan_(plan), token_(token), state_(std::move(state)) {}
  const Context& context_;
  const Plan& plan_;
  const int64_t token_;
  mutable std::mutex mutex_;
  RunState state_;
};

}  // namespace backout::run
