// StepRunner: one step on one host, one way (apply or undo), from wherever an earlier process left it to an outcome.
//
// Intent durable, command at the target through the shim, outcome durable: in that order, always. What an earlier
// attempt did is found out before another one is made (run/recovery.h). Thread-safe: several pairs at once.
#pragma once
#include <stop_token>

#include "run/context.h"
#include "run/enough.h"
#include "run/ledger.h"

namespace backout::run {

/// How far a StepRunner goes.
enum class Effort {
  kFindOut,   // begins nothing
  kCarryOn,   // begins what did not succeed yet, but not what failed
  kTryAgain,  // begins what failed, too
};

class StepRunner {
 public:
  StepRunner(const Context& context, Ledger& ledger, Effort effort)
      : context_(context), ledger_(ledger), effort_(effort) {}

  /// The outcome, which is in the journal when this returns. An error means that there is none and the run must stop:
  /// kCancelled (asked to stop; a command may still run), kRefused (the target obeys a newer controller), kConflict
  /// (the lease is lost), others (the journal cannot be written).
  /// `enough` ends a look early: then its outcome is Unknown, with kEndedEarly in its evidence.
  Result<Outcome> run(const Step& step, const std::string& host, Purpose purpose, std::stop_token stop,
                      const Enough* enough = nullptr);

  /// For an effect of phase open: whether it may have let users in. No when it never began, and when nothing of it
  /// runs and a look says that it is not done. What is found out about one in doubt is written down.
  Result<bool> may_have_let_in(const Step& step, const std::string& host, std::stop_token stop);

  /// For a step that is about to be undone: when its apply is in doubt, ends what still runs of it and writes down what
  /// became of it. True when it may have had an effect.
  Result<bool> end_what_runs(const Step& step, const std::string& host, std::stop_token stop);

 private:
  struct Job;
  Result<Job> job(const Step& step, const std::string& host, Purpose purpose) const;

  /// Whether what an earlier process saw done is looked at again.
  bool must_hold_now(const Step& step, const std::string& host, Purpose purpose) const;

  // Acting: step_runner.cc.
  Result<Outcome> cannot_begin(const Step& step, const std::string& host, Purpose purpose, const Error& error);
  Result<Outcome> take_look(const Job& job, std::stop_token stop);
  /// `replaced`: an earlier attempt that never started, whose place this one takes.
  Result<Outcome> act(const Job& job, std::stop_token stop, const host::AttemptId* replaced = nullptr);
  /// step_question.cc. An answer may come from here or by the journal.
  Result<Outcome> ask(const Job& job, std::stop_token stop);
  Result<Outcome> record(const Job& job);
  /// kCancelled when there was no time to look properly: then nothing is known.
  Result<Outcome> judge(const Job& job, const host::CommandResult& result, std::stop_token stop);
  Result<Sight> look(const Job& job, std::stop_token stop);
  Result<Outcome> finish(const Job& job, Outcome outcome, const host::AttemptId* attempt,
                         const host::CommandResult* result);
  /// What the target knows nothing of never began, and under our token it never will.
  Result<Outcome> finish_never_started(const Job& job, const host::AttemptId& attempt);
  Result<Outcome> finish_with(const Job& job, Outcome outcome, std::vector<journal::NewEvent> before);

  // Finding out: step_doubt.cc.
  Result<Outcome> settle(const Job& job, const host::AttemptId& attempt, std::stop_token stop);
  Result<host::CommandResult> follow(const Job& job, const host::AttemptId& attempt, std::stop_token stop);
  Result<Outcome> look_again(const Job& job, const host::AttemptId& attempt, std::string_view doubt,
                             std::stop_token stop);
  Result<Outcome> look_whether_it_holds(const Job& job, const Outcome& then, std::stop_token stop);
  /// Whether this call may not begin another attempt.
  bool begins_no_more(const Job& job) const;
  void says(const Job& job, const std::string& text) const;

  const Context& context_;
  Ledger& ledger_;
  const Effort effort_;
};

}  // namespace backout::run
