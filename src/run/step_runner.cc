#include "base/fault.h"
#include "base/text.h"
#include "driver/final_sight.h"
#include "os/secret.h"
#include "run/recovery.h"
#include "run/resolve.h"
#include "run/step_job.h"

namespace backout::run {
namespace {

constexpr size_t kTail = 4000;  // bytes of output kept in the journal per stream; the whole is in the attempt's files

std::string tail(std::string_view raw) {
  const std::string clean = sanitised(raw);
  return clean.size() <= kTail ? clean : "..." + clean.substr(clean.size() - kTail);
}

/// The last line of output, when it is one JSON object: what the command itself reports.
Json reported(const std::string& out) {
  const std::string_view text = trimmed(out);
  const std::string_view last = text.substr(text.rfind('\n') + 1);
  if (!last.starts_with('{')) return Json::object();
  auto value = parse_json(sanitised(last));
  return value && value->is_object() ? std::move(*value) : Json::object();
}

/// What a command that failed printed, but for its last line, which is the outcome's reason: a service's own log, the
/// end of a build. Empty when that line is all.
Json last_words(const std::string& err) {
  constexpr size_t kLines = 20;
  std::vector<std::string> lines = split(trimmed(err), '\n');
  if (!lines.empty()) lines.pop_back();
  std::erase_if(lines, [](const std::string& line) { return trimmed(line).empty(); });
  if (lines.size() > kLines) lines.erase(lines.begin(), lines.end() - kLines);
  Json kept = Json::array();
  for (const std::string& line : lines) kept.push_back(shortened(one_line(line), 300));
  return kept;
}

/// What a look says after an effect that opens has failed.
void note(const Sight& seen, Outcome& outcome) {
  if (seen.kind == SightKind::kCannotTell) return;
  outcome.evidence["looked"] = seen.kind == SightKind::kHolds ? kLookedSo : kLookedNot;
  outcome.why += "; then looked: " + one_line(seen.why);
}

}  // namespace

Result<StepRunner::Job> StepRunner::job(const Step& step, const std::string& host_name, Purpose purpose) const {
  const Action& planned = purpose == Purpose::kUndo ? *step.undo : step.action;
  const auto found = context_.hosts.find(host_name);
  if (found == context_.hosts.end())
    return Error{Code::kInvalid,
                 "step '" + step.id.str() + "' is for host '" + host_name + "', which backout.yaml does not name", ""};
  Action action =
      TRY(resolved(planned, host_name, context_.run.str(), context_.runs_directory, ledger_.state().evidence));
  Job job{step, host_name, purpose, std::move(action), nullptr, {}, *found->second, context_.clock.boot(), 0};
  job.attempts_before = ledger_.at(job.pair()).attempts;
  if (step.kind == StepKind::kRecord || step.kind == StepKind::kAsk) return job;
  job.driver = TRY(context_.registry.find(job.action.driver));
  for (const driver::Verb& verb : job.driver->capabilities())
    if (verb.name == job.action.verb) job.verb = verb;
  if (job.verb.name.empty())
    return Error{Code::kUnsupported, "driver '" + job.action.driver + "' has no verb '" + job.action.verb + "'", ""};
  return job;
}

bool StepRunner::must_hold_now(const Step& step, const std::string& host, Purpose purpose) const {
  const RunState state = ledger_.state();
  return must_still_hold(step, purpose, state) &&
         (purpose == Purpose::kUndo || !is_overtaken(step, host, ledger_.plan().contract.steps, state));
}

Result<Outcome> StepRunner::run(const Step& step, const std::string& host, Purpose purpose, std::stop_token stop,
                                const Enough* enough) {
  const PairState before = ledger_.at({step.id.str(), host, purpose});
  const Next next = what_next(recorded(before), effort_ == Effort::kTryAgain);
  const bool again = next == Next::kDone && effort_ != Effort::kFindOut && must_hold_now(step, host, purpose);
  if (next == Next::kGiveUp || (next == Next::kDone && !again)) return *before.outcome;

  auto prepared = job(step, host, purpose);
  // Nothing was begun, and by this plan nothing can be: an undo that fails, so that another run may take over.
  if (!prepared && purpose == Purpose::kUndo && next == Next::kAct)
    return cannot_begin(step, host, purpose, prepared.error());
  Job made = TRY(std::move(prepared));
  made.enough = enough;
  context_.progress.step_begins(step, host, purpose);
  if (again) return look_whether_it_holds(made, *before.outcome, stop);
  switch (purpose == Purpose::kUndo ? StepKind::kEffect : step.kind) {
    case StepKind::kAsk: return ask(made, stop);
    case StepKind::kRecord: return record(made);
    case StepKind::kLook: return take_look(made, stop);
    case StepKind::kEffect: break;
  }
  const host::AttemptId attempt(before.last_attempt);
  switch (next) {
    case Next::kLookAtTarget: return settle(made, attempt, stop);
    case Next::kLook: return look_again(made, attempt, "it was left Unknown", stop);
    case Next::kAct:
    case Next::kDone:
    case Next::kGiveUp: break;
  }
  return act(made, stop);
}

Result<Outcome> StepRunner::cannot_begin(const Step& step, const std::string& host, Purpose purpose,
                                         const Error& error) {
  Outcome outcome{OutcomeKind::kRefused, one_line(error.message)};
  Json ended = pair_json({step.id.str(), host, purpose});
  ended["outcome"] = to_json(outcome);
  TRY_VOID(ledger_.append({{EventType::kStepEnded, std::move(ended)}}));
  context_.progress.step_ends(step, host, purpose, outcome);
  return outcome;
}

Result<Outcome> StepRunner::take_look(const Job& job, std::stop_token stop) {
  const auto looked = look(job, job.enough != nullptr ? job.enough->token() : stop);
  if (!looked && looked.error().code == Code::kCancelled && job.enough != nullptr && !stop.stop_requested())
    return finish(job,
                  {OutcomeKind::kUnknown,
                   "not looked at to the end: " + job.enough->because() + " had failed",
                   {},
                   {},
                   {{kEndedEarly, true}}},
                  nullptr, nullptr);
  const Sight seen = TRY(looked);
  const OutcomeKind outcome = seen.kind == SightKind::kHolds         ? OutcomeKind::kApplied
                              : seen.kind == SightKind::kDoesNotHold ? OutcomeKind::kFailed
                                                                     : OutcomeKind::kUnknown;
  return finish(job, {outcome, seen.why, {}, {}, seen.evidence}, nullptr, nullptr);
}

Result<Outcome> StepRunner::act(const Job& job, std::stop_token stop, const host::AttemptId* replaced) {
  if (stop.stop_requested()) return Error{Code::kCancelled, "stopped before '" + job.step.id.str() + "'", ""};
  const auto command = job.command();
  if (!command) return finish(job, {OutcomeKind::kRefused, one_line(command.error().message)}, nullptr, nullptr);

  const int number = ledger_.at(job.pair()).attempts + 1;
  const host::AttemptId attempt(fmt::format("{}.{}.{}.{}.{}", context_.run.str(), job.step.id.str(),
                                            name_of(job.purpose), number, random_hex(3)));
  Json intent = pair_json(job.pair());
  intent["attempt"] = attempt.str();
  intent["command"] = host::to_json(*command);
  std::vector<journal::NewEvent> events;
  if (replaced != nullptr) events.push_back(never_started(job.pair(), *replaced));
  events.push_back({EventType::kAttemptIntended, std::move(intent)});
  if (!fault::sabotaged("intent")) TRY_VOID(ledger_.append(std::move(events)));

  const auto prints = [&](std::string_view chunk) {
    context_.progress.step_prints(job.step, job.host_name, os::without_secrets(std::string(chunk)));
  };
  const host::Guard guard{context_.site.str(), context_.journal.id(), ledger_.token()};
  const auto result = job.host.attempt(guard, attempt, *command, prints, stop);
  if (result) {
    if (result->cancelled) return Error{Code::kCancelled, "stopped while '" + job.step.id.str() + "' was running", ""};
    return finish(job, TRY(judge(job, *result, stop)), &attempt, &*result);
  }
  if (result.error().code == Code::kRefused) return result.error();
  if (result.error().code != Code::kUnavailable)
    return finish(job, {OutcomeKind::kFailed, one_line(result.error().message)}, &attempt, nullptr);
  says(job, "connection lost: " + one_line(result.error().message));
  return settle(job, attempt, stop);
}

Result<Sight> StepRunner::look(const Job& job, std::stop_token stop) {
  Sight seen;
  driver::FinalLooks final_looks;
  const int attempts = std::max(1, job.step.patience.attempts);
  const Millis every = job.step.patience.every;
  // What is looked at many times a second is waited for by the clock: looks that hang would make minutes of seconds.
  const bool by_the_clock = every < Millis(100);
  const BootTime began = context_.clock.boot();
  for (int attempt = 1; attempt <= attempts; ++attempt) {
    seen = job.driver->verify(job.action, job.host, stop);
    const bool blind = seen.kind == SightKind::kCannotTell && job.step.kind == StepKind::kEffect && !job.has_probe();
    if (seen.kind == SightKind::kHolds || blind || attempt == attempts || final_looks.enough(seen)) break;
    if (by_the_clock && context_.clock.boot() - began > 3 * attempts * every) break;
    says(job, fmt::format("attempt {}/{}: {}", attempt, attempts, os::without_secrets(one_line(seen.why))));
    if (!context_.clock.wait(every, stop)) break;
  }
  if (stop.stop_requested() && seen.kind != SightKind::kHolds)
    return Error{Code::kCancelled, "stopped while looking at '" + job.step.id.str() + "'", ""};
  seen.why = os::without_secrets(one_line(seen.why));
  return seen;
}

Result<Outcome> StepRunner::judge(const Job& job, const host::CommandResult& result, std::stop_token stop) {
  Outcome outcome;
  outcome.evidence = reported(result.out);
  if (result.signal == 0 && !result.timed_out) outcome.exit_status = result.exit_status;
  if (!result.ok() && !result.timed_out) {
    outcome.kind = OutcomeKind::kFailed;
    outcome.why = os::without_secrets(one_line(result.why_not_ok()));
    if (Json log = last_words(os::without_secrets(result.err)); !log.empty()) outcome.evidence["log"] = std::move(log);
    // It stays failed whatever is seen; but who decides what comes next has to know whether users are inside.
    if (job.opens()) note(job.driver->verify(job.action, job.host, stop), outcome);
    return outcome;
  }
  const Sight seen = TRY(look(job, stop));
  for (const auto& [key, value] : seen.evidence.items()) outcome.evidence[key] = value;
  const std::string late =
      result.timed_out ? "no answer within " + for_people(result.took) + " and ended; then looked: " : "";
  switch (seen.kind) {
    case SightKind::kHolds:
      outcome.kind = OutcomeKind::kApplied;
      outcome.why = late + seen.why;
      break;
    case SightKind::kDoesNotHold:
      outcome.kind = OutcomeKind::kFailed;
      outcome.why = (result.timed_out ? late : "the command said it worked, but ") + seen.why;
      if (job.opens()) outcome.evidence["looked"] = kLookedNot;
      break;
    case SightKind::kCannotTell: {
      // An exit status of 0 is all there is to go by when nothing was given to look with; it never outweighs a look.
      const bool unknown = job.has_probe() || result.timed_out;
      outcome.kind = unknown ? OutcomeKind::kUnknown : OutcomeKind::kApplied;
      outcome.why = late + (unknown ? seen.why : "exit status 0; " + seen.why);
      break;
    }
  }
  return outcome;
}

Result<Outcome> StepRunner::finish(const Job& job, Outcome outcome, const host::AttemptId* attempt,
                                   const host::CommandResult* result) {
  std::vector<journal::NewEvent> events;
  if (attempt != nullptr && !ledger_.at(job.pair()).attempt_ended) {
    Json end = pair_json(job.pair());
    end["attempt"] = attempt->str();
    if (result != nullptr) {
      if (outcome.exit_status) end["exit_status"] = *outcome.exit_status;
      end["signal"] = result->signal;
      end["timed_out"] = result->timed_out;
      end["truncated"] = result->truncated;
      end["took_ms"] = result->took.count();
      end["out_tail"] = tail(os::without_secrets(result->out));
      end["err_tail"] = tail(os::without_secrets(result->err));
    }
    events.push_back({EventType::kAttemptEnded, std::move(end)});
  }
  return finish_with(job, std::move(outcome), std::move(events));
}

Result<Outcome> StepRunner::finish_with(const Job& job, Outcome outcome, std::vector<journal::NewEvent> events) {
  outcome.took = std::max(context_.clock.boot() - job.began, Millis(0));
  Json ended = pair_json(job.pair());
  ended["outcome"] = to_json(outcome);
  events.push_back({EventType::kStepEnded, std::move(ended)});
  TRY_VOID(ledger_.append(std::move(events)));
  context_.progress.step_ends(job.step, job.host_name, job.purpose, outcome);
  return outcome;
}

/// The event and the outcome of its step are one append: both or neither.
Result<Outcome> StepRunner::record(const Job& job) {
  const EventType type = TRY(event_type_of(job.action.verb));
  Outcome outcome{OutcomeKind::kApplied, "recorded"};
  outcome.evidence = job.action.args;
  outcome.evidence.erase("parts");  // of a checkpoint: whole in its own event, and large
  Json ended = pair_json(job.pair());
  ended["outcome"] = to_json(outcome);
  TRY_VOID(ledger_.append({{type, job.action.args}, {EventType::kStepEnded, std::move(ended)}}));
  context_.progress.step_ends(job.step, job.host_name, job.purpose, outcome);
  return outcome;
}

}  // namespace backout::run
