// The half of StepRunner that finds out: what became of an attempt whose end this process did not see.
#include "base/text.h"
#include "run/recovery.h"
#include "run/step_job.h"

namespace backout::run {
namespace {

constexpr int kPatienceWithNetwork = 3;  // looks in a row that may not reach the host
constexpr int kTries = 3;                // attempts by one call, when the connection is lost each time
constexpr Millis kGrace{2000};           // between the polite and the other signal

host::Guard guard_of(const Context& context, const Ledger& ledger) {
  return {context.site.str(), context.journal.id(), ledger.token()};
}

}  // namespace

void StepRunner::says(const Job& job, const std::string& text) const {
  context_.progress.step_says(job.step, job.host_name, text);
}

bool StepRunner::begins_no_more(const Job& job) const {
  return effort_ == Effort::kFindOut || ledger_.at(job.pair()).attempts - job.attempts_before >= kTries;
}

Result<Outcome> StepRunner::finish_never_started(const Job& job, const host::AttemptId& attempt) {
  return finish_with(job, {OutcomeKind::kFailed, "it never started"}, {never_started(job.pair(), attempt)});
}

/// Waits for the end of an attempt. kNotFound: no trace, it never started. kInternal: it is over and left no status.
/// kUnavailable: the host cannot be reached.
Result<host::CommandResult> StepRunner::follow(const Job& job, const host::AttemptId& attempt, std::stop_token stop) {
  const host::Guard guard = guard_of(context_, ledger_);
  const auto command = job.command();
  const Millis allowed = command ? command->timeout : job.step.timeout;
  const BootTime deadline = context_.clock.boot() + allowed;
  int unreachable = 0;
  bool told = false;
  while (true) {
    const auto found = job.host.inspect(guard, attempt);
    if (!found) {
      if (found.error().code == Code::kRefused || found.error().code == Code::kCancelled) return found.error();
      if (++unreachable > kPatienceWithNetwork)
        return Error{Code::kUnavailable, "cannot be reached: " + found.error().message, ""};
      says(job, "cannot be reached, trying again");
    } else {
      unreachable = 0;
      switch (after_inspection(found->kind)) {
        case Then::kJudge: return found->result;
        case Then::kActAgain: return Error{Code::kNotFound, "it never started", ""};
        case Then::kLook:
          // A child of it may have outlived it, and must not meet the next attempt.
          TRY_VOID(job.host.kill(guard, attempt, kGrace));
          return Error{Code::kInternal, "it was started and ended without leaving a status", ""};
        case Then::kWait: break;
      }
      if (!told) says(job, "its command is still running, waiting for it");
      told = true;
      if (found->running_for > allowed || context_.clock.boot() > deadline) {
        says(job, "it ran longer than " + for_people(allowed) + ", ending it");
        TRY_VOID(job.host.kill(guard, attempt, kGrace));
        host::CommandResult killed;
        killed.timed_out = true;
        killed.took = found->running_for;
        return killed;
      }
    }
    if (!context_.clock.wait(Millis(unreachable > 0 ? 1000 : 50), stop))
      return Error{Code::kCancelled, "stopped while waiting for '" + job.step.id.str() + "'", ""};
  }
}

Result<Outcome> StepRunner::settle(const Job& job, const host::AttemptId& attempt, std::stop_token stop) {
  const auto result = follow(job, attempt, stop);
  if (result) return finish(job, TRY(judge(job, *result, stop)), &attempt, &*result);
  switch (result.error().code) {
    case Code::kNotFound:
      // The target refuses a late start under an older token, not under ours: then only the next process can be sure.
      if (ledger_.at(job.pair()).attempts > job.attempts_before)
        return finish(job, {OutcomeKind::kUnknown, "the connection was lost before it was seen to start"}, nullptr,
                      nullptr);
      return effort_ == Effort::kFindOut ? finish_never_started(job, attempt) : act(job, stop, &attempt);
    case Code::kInternal: return look_again(job, attempt, result.error().message, stop);
    case Code::kUnavailable:  // it may still run: the attempt has no end in the journal
      return finish(job, {OutcomeKind::kUnknown, one_line(result.error().message)}, nullptr, nullptr);
    case Code::kInvalid:
    case Code::kDenied:
    case Code::kConflict:
    case Code::kBusy:
    case Code::kRefused:
    case Code::kUnsupported:
    case Code::kTimedOut:
    case Code::kCorrupt:
    case Code::kNoSpace:
    case Code::kCancelled: return result.error();
  }
  return result.error();
}

/// Nothing of the attempt lives any more, and only the world can tell what it did. What may not be done twice gets the
/// time that a look is given after a command: it may be about to show.
Result<Outcome> StepRunner::look_again(const Job& job, const host::AttemptId& attempt, std::string_view doubt,
                                       std::stop_token stop) {
  const Sight seen = job.repeatable() ? job.driver->verify(job.action, job.host, stop) : TRY(look(job, stop));
  const Error cancelled{Code::kCancelled, "stopped while looking at '" + job.step.id.str() + "'", ""};
  if (stop.stop_requested() && seen.kind != SightKind::kHolds) return cancelled;
  const std::string looked = fmt::format("{}; looked again: {}", doubt, one_line(seen.why));
  Resolution resolution = after_look(seen.kind, job.step, job.repeatable());
  if (resolution == Resolution::kActAgain && begins_no_more(job)) {
    if (seen.kind == SightKind::kDoesNotHold) {
      Outcome outcome{OutcomeKind::kFailed, looked, {}, {}, seen.evidence};
      if (job.opens()) outcome.evidence["looked"] = kLookedNot;
      return finish(job, std::move(outcome), &attempt, nullptr);
    }
    resolution = Resolution::kUnknown;
  }
  switch (resolution) {
    case Resolution::kAlreadyDone:
      return finish(job, {OutcomeKind::kAlreadyDone, looked, {}, {}, seen.evidence}, &attempt, nullptr);
    case Resolution::kActAgain: says(job, looked + "; doing it again"); return act(job, stop);
    case Resolution::kUnknown: break;
  }
  if (!begins_no_more(job)) {
    const auto answer =
        context_.asker.ask(fmt::format("Step '{}' on {} may or may not have been done ({}). Do it again?",
                                       job.step.id.str(), job.host_name, doubt),
                           "");
    if (stop.stop_requested()) return cancelled;
    if (answer && answer->yes) return act(job, stop);
  }
  return finish(job, {OutcomeKind::kUnknown, looked, {}, {}, seen.evidence}, &attempt, nullptr);
}

/// An earlier process saw it done, and since then a machine may have been started anew.
Result<Outcome> StepRunner::look_whether_it_holds(const Job& job, const Outcome& then, std::stop_token stop) {
  if (job.step.kind == StepKind::kLook) return take_look(job, stop);
  if (!job.has_probe()) return then;
  const Sight seen = TRY(look(job, stop));
  switch (seen.kind) {
    case SightKind::kHolds: return then;
    case SightKind::kDoesNotHold:
      says(job, "it was done, but now " + seen.why + "; doing it again");
      return act(job, stop);
    case SightKind::kCannotTell: break;
  }
  return finish(job, {OutcomeKind::kUnknown, "it was done, but now " + seen.why, {}, {}, seen.evidence}, nullptr,
                nullptr);
}

Result<bool> StepRunner::may_have_let_in(const Step& step, const std::string& host_name, std::stop_token stop) {
  const Pair pair{step.id.str(), host_name, Purpose::kApply};
  if (recorded(ledger_.at(pair)) == Recorded::kInDoubt) {
    const Job made = TRY(job(step, host_name, Purpose::kApply));
    const host::AttemptId attempt(ledger_.at(pair).last_attempt);
    const host::AttemptState state = TRY(made.host.inspect(guard_of(context_, ledger_), attempt));
    if (state.kind == host::AttemptState::Kind::kRunning) return true;
    if (state.kind == host::AttemptState::Kind::kNeverStarted)
      TRY(finish_never_started(made, attempt));
    else
      TRY(settle(made, attempt, stop));
  }
  const PairState now = ledger_.at(pair);
  if (!now.may_have_run()) return false;
  if (ledger_.state().let_in) return true;
  const Job made = TRY(job(step, host_name, Purpose::kApply));
  return made.driver->verify(made.action, made.host, stop).kind != SightKind::kDoesNotHold;
}

Result<bool> StepRunner::end_what_runs(const Step& step, const std::string& host_name, std::stop_token stop) {
  const PairState before = ledger_.at({step.id.str(), host_name, Purpose::kApply});
  if (recorded(before) != Recorded::kInDoubt) return before.may_have_run();
  const Job made = TRY(job(step, host_name, Purpose::kApply));
  const host::Guard guard = guard_of(context_, ledger_);
  const host::AttemptId attempt(before.last_attempt);
  const host::AttemptState state = TRY(made.host.inspect(guard, attempt));
  using Kind = host::AttemptState::Kind;
  switch (state.kind) {
    case Kind::kNeverStarted: TRY(finish_never_started(made, attempt)); return ledger_.at(made.pair()).may_have_run();
    case Kind::kRunning:
      TRY_VOID(made.host.kill(guard, attempt, kGrace));
      TRY(finish(made, {OutcomeKind::kFailed, "it still ran and was ended, to be put back"}, &attempt, nullptr));
      return true;
    case Kind::kFinished: {
      const bool fine = state.result.ok();
      Outcome outcome{fine ? OutcomeKind::kApplied : OutcomeKind::kFailed,
                      fine ? "exit status 0; not looked at, because it is put back" : state.result.why_not_ok()};
      TRY(finish(made, std::move(outcome), &attempt, &state.result));
      return true;
    }
    case Kind::kLost: break;
  }
  TRY_VOID(made.host.kill(guard, attempt, kGrace));
  const Sight seen = made.driver->verify(made.action, made.host, stop);
  const OutcomeKind kind = seen.kind == SightKind::kHolds         ? OutcomeKind::kAlreadyDone
                           : seen.kind == SightKind::kDoesNotHold ? OutcomeKind::kFailed
                                                                  : OutcomeKind::kUnknown;
  TRY(finish(made, {kind, "it ended without leaving a status; then looked: " + one_line(seen.why)}, &attempt, nullptr));
  return true;
}

}  // namespace backout::run
