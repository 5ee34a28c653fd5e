// Job: a step on a host, one way, with its action made concrete. Shared by the two halves of StepRunner: acting
// (step_runner.cc) and finding out (step_doubt.cc).
#pragma once
#include "run/step_runner.h"

namespace backout::run {

struct StepRunner::Job {
  const Step& step;
  const std::string& host_name;
  Purpose purpose;
  Action action;
  const driver::Driver* driver;  // null for record and ask steps
  driver::Verb verb;
  host::Host& host;
  BootTime began;
  int attempts_before;             // by earlier calls
  const Enough* enough = nullptr;  // of a look

  Pair pair() const { return {step.id.str(), host_name, purpose}; }
  // What is said of a driver's own commands is said by the verb, of the user's by the step (of its apply).
  bool has_probe() const { return verb.has_probe || (purpose == Purpose::kApply && step.has_probe); }
  /// Whether it lets users in: in the phase open, or by undoing what closed.
  bool opens() const {
    return step.kind == StepKind::kEffect && step.phase == (purpose == Purpose::kApply ? Phase::kOpen : Phase::kClose);
  }
  bool repeatable() const { return verb.repeatable || (purpose == Purpose::kApply && step.repeatable); }
  /// The command and how long it may run, which is the longer of what driver and plan say.
  Result<host::Command> command() const {
    host::Command made = TRY(driver->command(action, host));
    if (step.timeout > Millis(0)) made.timeout = std::max(made.timeout, step.timeout);
    return made;
  }
};

/// How events name a pair.
inline Json pair_json(const Pair& pair) {
  return {{"step", pair.step}, {"host", pair.host}, {"purpose", name_of(pair.purpose)}};
}

inline journal::NewEvent never_started(const Pair& pair, const host::AttemptId& attempt) {
  Json end = pair_json(pair);
  end["attempt"] = attempt.str();
  end["started"] = false;
  return {EventType::kAttemptEnded, std::move(end)};
}

}  // namespace backout::run
