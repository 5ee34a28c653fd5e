#include "run/executor.h"

#include <set>

#include "base/text.h"
#include "run/crew.h"
#include "run/on_all.h"
#include "run/recovery.h"
#include "run/ways.h"

namespace backout::run {

struct Executor::Trouble {
  Phase phase;
  std::string step, host;
  std::optional<Outcome> outcome;  // Failed, Refused or Unknown
  std::optional<Error> error;      // there is no outcome: cancelled, fenced off, journal unwritable
};

struct Executor::Undone {
  Outcome bad{OutcomeKind::kApplied, ""};  // of the undo that did not succeed, if one did not
  std::vector<std::string> left;           // steps that were applied and have no undo
  std::vector<std::string> given_up;       // steps whose undo failed, and a person said to leave them
};

std::vector<std::string> hosts_of(const Step& step) {
  return step.hosts.empty() ? std::vector<std::string>{"local"} : step.hosts;
}

Executor::Executor(const Context& context, const Plan& plan, Ledger& ledger, AtEnd at_end)
    : progress_(context.progress),
      asker_(context.asker),
      context_{context.journal, context.registry, context.hosts, context.clock,          progress_,
               asker_,          context.site,     context.run,   context.runs_directory, context.jobs},
      plan_(plan),
      ledger_(ledger),
      at_end_(std::move(at_end)) {}

Result<void> Executor::claim_hosts() {
  std::set<std::string> names;
  for (const Step& step : plan_.contract.steps)
    for (std::string& host : hosts_of(step)) names.insert(std::move(host));
  for (const std::string& name : names)
    if (!context_.hosts.contains(name))
      return Error{Code::kInvalid, "the plan names host '" + name + "', backout.yaml does not",
                   "make a new plan: backout plan"};
  const host::Guard guard{context_.site.str(), context_.journal.id(), ledger_.token()};
  return on_all(context_.hosts, names, [&](host::Host& host) { return host.claim(guard); });
}

/// Opening was tried: only the target can say whether it let anybody in.
Result<bool> Executor::may_have_opened(std::stop_token stop) {
  StepRunner runner(context_, ledger_, Effort::kFindOut);
  for (const Step& step : plan_.contract.steps)
    if (step.phase == Phase::kOpen && step.kind == StepKind::kEffect)
      for (const std::string& host : hosts_of(step))
        if (TRY(runner.may_have_let_in(step, host, stop))) return true;
  return false;
}

Result<void> Executor::may_turn_back(std::stop_token stop) {
  Ways ways = ways_out(ledger_.state(), plan_);
  const bool open = ways.abort == Abort::kDoorOpen ||
                    (ledger_.state().opening > 0 && ways.abort != Abort::kOwnCommand && TRY(may_have_opened(stop)));
  ways = ways_out(ledger_.state(), plan_);
  if (!open && ways.abort != Abort::kOwnCommand) return {};
  const std::string why =
      open ? "the door is open or opening, or nobody can tell: users may have written under the new state, so nothing "
             "can be put back by an abort"
           : "its deploy command was run, and what a command of yours did cannot be undone by an abort";
  ways.abort = open ? Abort::kDoorOpen : Abort::kOwnCommand;
  return Error{Code::kRefused, why, next_steps(ways)};
}

Result<RunEnd> Executor::proceed(Wish wish, std::stop_token stop) {
  const RunState state = ledger_.state();
  BACKOUT_CHECK(state.begun, "a run proceeds only after RunStarted");
  if (state.ended) return RunEnd{true, state.result, state.exit, state.why, "", ""};
  if (auto claimed = claim_hosts(); !claimed) {
    // Refused, and nothing was begun: there is nothing to resume. A host that is only away may come back.
    if (state.pairs.empty() && claimed.error().code == Code::kRefused)
      end("failed", 1, "nothing was done: " + claimed.error().message);
    return std::move(claimed).error();
  }
  if (wish == Wish::kConclude) return conclude(stop);
  if (wish == Wish::kTurnBack && !state.turned) {
    TRY_VOID(may_turn_back(stop));
    return turn("asked for by a person", true, stop);
  }
  return state.turned ? backward(stop) : forward(wish, stop);
}

RunEnd Executor::forward(Wish wish, std::stop_token stop) {
  StepRunner runner(context_, ledger_, wish == Wish::kTryAgain ? Effort::kTryAgain : Effort::kCarryOn);
  for (const Phase phase : kPhases) {
    if (const auto trouble = pass(phase, runner, stop)) return after_trouble(*trouble, stop);
    if (phase != Phase::kOpen) continue;
    if (const auto marked = mark_door_open("open"); !marked) return stop_at(marked.error());
  }
  if (plan_.contract.kind == RunKind::kDeploy && !looks_at_something())
    return end("unverified", 5, "nothing looked at it: add checks to backout.yaml");
  return end("done", 0, "every step was done and looked at");
}

bool Executor::looks_at_something() const {
  const std::vector<Step>& steps = plan_.contract.steps;
  return std::any_of(steps.begin(), steps.end(), [](const Step& step) {
    return step.phase == Phase::kCheck && (step.kind == StepKind::kLook || step.kind == StepKind::kAsk);
  });
}

std::optional<Executor::Trouble> Executor::pass(Phase phase, StepRunner& runner, std::stop_token stop) {
  std::vector<Crew::Task> tasks;
  for (const Step& step : plan_.contract.steps) {
    if (step.phase != phase) continue;
    for (const std::string& host : hosts_of(step)) tasks.push_back({&step, host});
  }
  std::optional<Trouble> worst;
  const auto note = [&](Trouble trouble) {
    // The gravest is told: no outcome at all, then Unknown, then Failed; among equals the first.
    const auto weight = [](const Trouble& each) {
      return each.error ? 2 : each.outcome->kind == OutcomeKind::kUnknown ? 1 : 0;
    };
    if (!worst || weight(trouble) > weight(*worst)) worst = std::move(trouble);
  };
  Enough enough(stop);
  // Nothing waits for the looks of settle: users are inside, and each one's word counts for who reads it.
  const Enough* const ends_looks = phase == Phase::kSettle ? nullptr : &enough;
  Crew crew(context_.jobs, [&](const Crew::Task& task) {
    return runner.run(*task.step, task.host, Purpose::kApply, stop, ends_looks);
  });
  const Crew::Task* stuck = crew.run(tasks, [&](const Crew::Task& task, Result<Outcome> result) {
    if (!result) {
      note({phase, task.step->id.str(), task.host, std::nullopt, std::move(result).error()});
      return false;
    }
    if (!result->succeeded()) {
      if (get_bool(result->evidence, kEndedEarly)) return false;  // told by what had failed
      if (result->kind != OutcomeKind::kUnknown) enough.failed(fmt::format("'{}' on {}", task.step->id, task.host));
      note({phase, task.step->id.str(), task.host, *result, std::nullopt});
      return false;
    }
    // Outage is what users see: it begins with the first thing that was closed or stopped.
    if (keeps_users_out(plan_, *task.step) && !ledger_.state().door_closed) {
      context_.progress.door(false, kept_out_by());
      if (auto marked = ledger_.append({{EventType::kDoorClosed, about_door(task.step->id.str())}}); !marked)
        return note({phase, task.step->id.str(), task.host, std::nullopt, std::move(marked).error()}), false;
    }
    return true;
  });
  if (stuck != nullptr)
    note({phase, stuck->step->id.str(), stuck->host, std::nullopt,
          Error{Code::kInternal, "what '" + stuck->step->id.str() + "' needs first can never be done", ""}});
  return worst;
}

KeptOutBy Executor::kept_out_by() const { return has_door(plan_) ? KeptOutBy::kDoor : KeptOutBy::kServices; }

Json Executor::about_door(const std::string& step) const {
  Json body = {{"step", step}};
  if (kept_out_by() == KeptOutBy::kServices) body["by"] = "services";
  return body;
}

Result<void> Executor::mark_door_open(const std::string& by) {
  const RunState state = ledger_.state();
  if (!state.door_closed || state.door_opened) return {};
  TRY_VOID(ledger_.append({{EventType::kDoorOpened, about_door(by)}}));
  context_.progress.door(true, kept_out_by());
  return {};
}

RunEnd Executor::after_trouble(const Trouble& trouble, std::stop_token stop) {
  const RunState state = ledger_.state();
  const bool touched_nothing_yet = trouble.phase == Phase::kPrepare;
  const bool way_back = !state.opening && !state.door_opened && trouble.phase < Phase::kOpen;
  const bool deploys = plan_.contract.kind == RunKind::kDeploy || plan_.contract.kind == RunKind::kCheckpoint;

  if (trouble.error) {
    if (trouble.error->code == Code::kCancelled && touched_nothing_yet && !state.door_closed)
      return turn("interrupted while preparing", false, {});
    return stop_at(*trouble.error, "", trouble.step, trouble.host);
  }
  const std::string what = fmt::format("'{}' on {}: {}", trouble.step, trouble.host, trouble.outcome->why);
  if (trouble.outcome->kind == OutcomeKind::kUnknown) return stop_here(4, what, trouble.step, trouble.host);
  if (touched_nothing_yet) return turn(what, false, stop);
  if (deploys) return end("unverified", 5, what);
  if (!way_back) return stop_here(5, what, trouble.step, trouble.host);
  switch (plan_.contract.on_failed_check) {
    case OnFailedCheck::kAbort: return turn(what, false, stop);
    case OnFailedCheck::kHold: break;
    case OnFailedCheck::kAsk: {
      const auto answer = context_.asker.ask(what + ". Put everything back?", "");
      if (answer && answer->yes) return turn(what, false, stop);
      break;
    }
  }
  return stop_here(5, what, trouble.step, trouble.host);
}

RunEnd Executor::turn(const std::string& why, bool by_person, std::stop_token stop) {
  if (const auto turned = ledger_.append({{EventType::kRunTurned, {{"why", one_line(why)}, {"by_person", by_person}}}});
      !turned)
    return stop_at(turned.error());
  context_.progress.turns(one_line(why));
  return backward(std::move(stop));
}

Result<void> Executor::undo(StepRunner& runner, const Step& step, const std::string& host, std::stop_token stop,
                            Undone& undone) {
  if (!TRY(runner.end_what_runs(step, host, stop))) return {};
  if (!step.undo) {
    // What prepare made, and the rows that were carried into it, lie beside the site: nobody meets them. And what opens
    // was seen not to have opened, else nothing would be put back.
    if (step.phase != Phase::kPrepare && step.phase != Phase::kLastRows && step.phase != Phase::kOpen)
      undone.left.push_back("'" + step.id.str() + "' on " + host);
    return {};
  }
  Outcome outcome = TRY(runner.run(step, host, Purpose::kUndo, stop));
  if (!outcome.succeeded()) undone.bad = std::move(outcome);
  return {};
}

/// Whether a person says to leave what cannot be put back, and to put back the rest. Then it is in `undone.given_up`.
Result<bool> Executor::may_be_left(const Step& step, const std::string& host, Undone& undone, std::stop_token stop) {
  if (stop.stop_requested()) return Error{Code::kCancelled, "stopped while putting back", ""};
  if (recorded(ledger_.at({step.id.str(), host, Purpose::kUndo})) == Recorded::kInDoubt)
    return false;  // its command may still run
  const std::string what = fmt::format("'{}' on {}: {}", step.id.str(), host, undone.bad.why);
  const std::string question =
      "Again it could not be put back: " + what + ". Leave it as it is, and put back the rest?";
  const auto answer = context_.asker.ask(question, "");
  if (!answer) return false;  // nobody is there
  Json body = {{"step", step.id.str()}, {"question", question}, {"role", ""}};
  std::vector<journal::NewEvent> events = {{EventType::kQuestionAsked, body}};
  body["answer"] = answer->words;
  body["yes"] = answer->yes;
  body["by"] = answer->by;
  body["note"] = answer->note;
  events.push_back({EventType::kQuestionAnswered, std::move(body)});
  TRY_VOID(ledger_.append(std::move(events)));
  if (!answer->yes) return false;
  undone.given_up.push_back(what);
  undone.bad = Outcome{OutcomeKind::kApplied, ""};
  return true;
}

/// What went wrong first: else only what went wrong while putting it right would be told.
std::string Executor::why_turned() const {
  const RunState state = ledger_.state();
  return state.turned_by_person ? "" : state.turned_why + "; and then ";
}

RunEnd Executor::backward(std::stop_token stop) {
  // Undoing is tried anew by every call: an undo that failed an hour ago says nothing about now.
  StepRunner runner(context_, ledger_, Effort::kTryAgain);
  Undone undone;
  std::set<Pair> stuck_before;  // failed in an earlier call, too: then a person may say to leave it
  for (const auto& [pair, at] : ledger_.state().pairs)
    if (pair.purpose == Purpose::kUndo && (recorded(at) == Recorded::kFailed || recorded(at) == Recorded::kUnknown))
      stuck_before.insert(pair);
  const std::vector<Step>& steps = plan_.contract.steps;
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    if (step->kind != StepKind::kEffect) continue;
    // What is left to put back lies beside the site: users are inside again, whatever becomes of that.
    if (step->phase == Phase::kPrepare && undone.given_up.empty())
      if (const auto marked = mark_door_open("put back"); !marked) return stop_at(marked.error());
    for (const std::string& host : hosts_of(*step)) {
      const auto tried = undo(runner, *step, host, stop, undone);
      if (!tried) return stop_at(tried.error(), "putting back: ", step->id.str(), host);
      if (undone.bad.succeeded()) continue;
      if (stuck_before.contains({step->id.str(), host, Purpose::kUndo})) {
        const auto leave = may_be_left(*step, host, undone, stop);
        if (!leave) return stop_at(leave.error(), "putting back: ", step->id.str(), host);
        if (*leave) continue;
      }
      if (const Outcome& bad = undone.bad; !bad.succeeded())
        return stop_here(bad.kind == OutcomeKind::kUnknown ? 4 : 5,
                         why_turned() + fmt::format("could not put back '{}' on {}: {}", step->id.str(), host, bad.why),
                         step->id.str(), host);
    }
  }
  if (const auto marked = mark_door_open("put back"); !marked) return stop_at(marked.error());
  const RunState state = ledger_.state();
  const std::vector<std::string> other = not_as_found(state);
  const std::string and_other = other.empty() ? "" : "; and put back, but not as it was found: " + join(other, "; ");
  if (!undone.given_up.empty())
    return end("aborted", 5,
               state.turned_why + "; NOT put back, left as it is: " + join(undone.given_up, "; ") +
                   (undone.left.empty() ? "" : "; and what has no undo: " + join(undone.left, ", ")) + and_other);
  if (!undone.left.empty())
    return end(
        "aborted", 5,
        state.turned_why + "; everything was put back but what has no undo: " + join(undone.left, ", ") + and_other);
  if (!other.empty())
    return end("aborted", 5, state.turned_why + "; put back, but not as it was found: " + join(other, "; "));
  return end("aborted", state.turned_by_person ? 0 : 1, state.turned_why);
}

RunEnd Executor::conclude(std::stop_token stop) {
  StepRunner runner(context_, ledger_, Effort::kFindOut);
  for (const Step& step : plan_.contract.steps)
    for (const std::string& host : hosts_of(step))
      for (const Purpose purpose : {Purpose::kApply, Purpose::kUndo}) {
        const Pair pair{step.id.str(), host, purpose};
        if (recorded(ledger_.at(pair)) != Recorded::kInDoubt) continue;
        const auto outcome = runner.run(step, host, purpose, stop);
        if (!outcome) return stop_at(outcome.error(), "", step.id.str(), host);
        if (recorded(ledger_.at(pair)) == Recorded::kInDoubt)  // it may still run
          return stop_here(4, outcome->why, step.id.str(), host);
      }
  if (is_past_checks(ledger_.state(), plan_))
    if (auto stuck = write_down_what_runs(stop)) return std::move(*stuck);
  const std::vector<std::string> bad = not_put_back(ledger_.state(), plan_);
  if (!bad.empty())
    return end("unverified", 5, "NOT put back: " + join(bad, "; ") + "; it is closed as it is, by what follows");
  return end("unverified", 5, "it was left unfinished and is closed by what follows");
}

/// The records of settle, and the effects that they need (the replaced database is kept): without them the journal
/// would not know what runs, nor the next run how to carry the rows the other way. One that fails leaves out its
/// records.
std::optional<RunEnd> Executor::write_down_what_runs(std::stop_token stop) {
  std::set<std::string> needed;
  for (const Step& step : plan_.contract.steps)
    if (step.phase == Phase::kSettle && step.kind == StepKind::kRecord)
      for (const StepId& need : step.needs) needed.insert(need.str());
  StepRunner runner(context_, ledger_, Effort::kTryAgain);
  std::set<std::string> missing;
  for (const Step& step : plan_.contract.steps) {
    if (step.phase != Phase::kSettle) continue;
    const bool records = step.kind == StepKind::kRecord;
    if (!records && (step.kind != StepKind::kEffect || !needed.contains(step.id.str()))) continue;
    for (const StepId& need : step.needs)
      if (missing.contains(need.str())) missing.insert(step.id.str());
    if (missing.contains(step.id.str())) continue;
    for (const std::string& host : hosts_of(step)) {
      const auto outcome = runner.run(step, host, Purpose::kApply, stop);
      if (!outcome) return stop_at(outcome.error(), "", step.id.str(), host);
      if (outcome->kind == OutcomeKind::kUnknown) return stop_here(4, outcome->why, step.id.str(), host);
      if (!outcome->succeeded()) missing.insert(step.id.str());
    }
  }
  return std::nullopt;
}

RunEnd Executor::stop_here(int exit, const std::string& why, const std::string& step, const std::string& host) {
  RunEnd stopped{false, "stopped", exit, one_line(why), step, host};
  const auto written = ledger_.append(
      {{EventType::kRunStopped, {{"why", stopped.why}, {"step", step}, {"host", host}, {"exit", exit}}}});
  if (!written && written.error().code == Code::kConflict) return stop_at(written.error(), "", step, host);
  if (!written) stopped.why += "; and the journal could not be written: " + written.error().message;
  return stopped;
}

RunEnd Executor::stop_at(const Error& error, const std::string& before, const std::string& step,
                         const std::string& host) {
  if (error.code != Code::kRefused && error.code != Code::kConflict)
    return stop_here(4, before + error.message, step, host);
  return {false, "stopped", 3, "this process is no longer the one that acts on the site: " + one_line(error.message),
          step,  host};
}

RunEnd Executor::end(const std::string& result, int exit, const std::string& why) {
  RunEnd ended{true, result, exit, one_line(why), "", ""};
  std::vector<journal::NewEvent> events;
  if (at_end_) events = at_end_(ledger_.state(), ended);
  events.push_back({EventType::kRunEnded, {{"result", result}, {"exit", exit}, {"why", ended.why}}});
  if (const auto written = ledger_.append(std::move(events)); !written)
    return stop_at(written.error(), "it came to its end, but the journal could not be written: ");
  return ended;
}

}  // namespace backout::run
