#include "run/ledger.h"

namespace backout::run {

Result<std::unique_ptr<Ledger>> Ledger::open(const Context& context, const Plan& plan, int64_t token) {
  const std::vector<Event> events = TRY(context.journal.read(context.site, 0, context.run));
  return std::unique_ptr<Ledger>(new Ledger(context, plan, token, fold(events, context.run, plan)));
}

Result<void> Ledger::append(std::vector<journal::NewEvent> events) {
  for (journal::NewEvent& event : events) event.run = context_.run;
  const std::lock_guard lock(mutex_);
  const std::vector<Event> stored = TRY(context_.journal.append(context_.site, token_, std::move(events)));
  for (const Event& event : stored) take(state_, event, plan_);
  return {};
}

RunState Ledger::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

PairState Ledger::at(const Pair& pair) const {
  const std::lock_guard lock(mutex_);
  return state_.at(pair);
}

}  // namespace backout::run
