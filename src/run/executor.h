// Executor: carries a plan out, from wherever its journal says it stands, to its end or to a stop that can be resumed.
//
// A fresh run and a resumed one are the same call: every step asks the journal and the target first (run/recovery.h).
// Steps run in parallel where the plan's graph lets them. Nothing is kept in memory that the journal does not have.
#pragma once
#include <functional>
#include <stop_token>
#include <vector>

#include "run/context.h"
#include "run/ledger.h"
#include "run/one_at_a_time.h"
#include "run/step_runner.h"

namespace backout::run {

enum class Wish {
  kCarryOn,   // run, resume
  kTryAgain,  // retry: failed steps get another try
  kTurnBack,  // abort: put everything back
  kConclude,  // find out what became of what was begun, begin nothing on the site, end the run as it is; when all
              // was done behind the door, what runs is written down, and what the way back from there needs is kept
};

struct RunEnd {
  bool ended = false;  // RunEnded is in the journal; else it stopped and can be resumed
  std::string result;  // done | aborted | failed | unverified | stopped
  int exit = 4;
  std::string why;
  std::string step, host;  // where it stopped, if somewhere
};

class Executor {
 public:
  /// `at_end`: events that belong to the end of the run (states of releases), written in the same transaction.
  using AtEnd = std::function<std::vector<journal::NewEvent>(const RunState&, const RunEnd&)>;
  Executor(const Context& context, const Plan& plan, Ledger& ledger, AtEnd at_end = {});

  /// REQUIRES: RunStarted is in the journal and the lease of `ledger` is held. Errors: the run could not even begin
  /// (a host refuses or cannot be reached; nothing was done by this call).
  Result<RunEnd> proceed(Wish wish, std::stop_token stop);

 private:
  struct Trouble;  // what ended a pass through the steps early
  struct Undone;   // how putting back went
  /// No data is never good: without this a deploy ends unverified. (A rollback is refused before it begins.)
  bool looks_at_something() const;
  Result<bool> may_have_opened(std::stop_token stop);
  Result<void> may_turn_back(std::stop_token stop);
  std::optional<RunEnd> write_down_what_runs(std::stop_token stop);
  Result<void> claim_hosts();
  RunEnd forward(Wish wish, std::stop_token stop);
  std::string why_turned() const;
  RunEnd backward(std::stop_token stop);
  RunEnd conclude(std::stop_token stop);
  RunEnd after_trouble(const Trouble& trouble, std::stop_token stop);
  Result<void> undo(StepRunner& runner, const Step& step, const std::string& host, std::stop_token stop,
                    Undone& undone);
  Result<bool> may_be_left(const Step& step, const std::string& host, Undone& undone, std::stop_token stop);
  std::optional<Trouble> pass(Phase phase, StepRunner& runner, std::stop_token stop);
  RunEnd turn(const std::string& why, bool by_person, std::stop_token stop);
  RunEnd stop_here(int exit, const std::string& why, const std::string& step = "", const std::string& host = "");
  /// What ended it is an error. Nothing is written when it says that the site is somebody else's now.
  RunEnd stop_at(const Error& error, const std::string& before = "", const std::string& step = "",
                 const std::string& host = "");
  RunEnd end(const std::string& result, int exit, const std::string& why);
  Result<void> mark_door_open(const std::string& by);
  KeptOutBy kept_out_by() const;
  Json about_door(const std::string& step) const;  // the body of such an event

  ProgressOneAtATime progress_;
  AskerOneAtATime asker_;
  const Context context_;  // the caller's, with these two in front
  const Plan& plan_;
  Ledger& ledger_;
  const AtEnd at_end_;
};

/// The hosts of a step: "local" when it names none.
std::vector<std::string> hosts_of(const Step& step);

}  // namespace backout::run
