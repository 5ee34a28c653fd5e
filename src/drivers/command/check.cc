#include "drivers/command/check.h"

#include "base/text.h"
#include "drivers/command/arguments.h"
#include "drivers/command/probe.h"
#include "model/step_word.h"

namespace backout::drivers {
namespace {

bool checks_nothing(RunKind kind) { return kind == RunKind::kCheckpoint; }

Json with_version(const Json& value, const Version& version) {
  if (value.is_string()) return replaced(value.get<std::string>(), "{{version}}", version.str());
  if (!value.is_structured()) return value;
  Json copy = value;
  for (auto& member : copy) member = with_version(member, version);
  return copy;
}

class RunCheckDriver : public driver::Driver {
 public:
  std::string_view name() const override { return "run-check"; }
  std::vector<driver::Verb> capabilities() const override { return {{"check", StepKind::kLook, true, true}}; }

  Result<std::vector<Step>> offer(const driver::Offering& offering) const override {
    if (checks_nothing(offering.kind)) return std::vector<Step>{};
    const std::string shown = TRY(text_argument(offering.subject, "name"));
    const host::Command run = TRY(command_argument(offering.subject, "run").with_context("check '" + shown + "'"));
    Step step;
    step.id = StepId("check-" + step_word(shown));
    step.phase = Phase::kCheck;
    step.kind = StepKind::kLook;
    step.title = one_line(shown);
    step.hosts = offering.hosts;
    step.action = {
        "run-check", "check", {{"name", shown}, {"run", with_version(get(offering.subject, "run"), offering.to)}}};
    step.repeatable = true;
    step.has_probe = true;
    step.timeout = run.timeout;
    const Json& patience = get(offering.subject, "patience");
    step.patience.attempts = static_cast<int>(std::clamp<int64_t>(get_int(patience, "attempts", 1), 1, 10'000));
    step.patience.every = Millis(std::max<int64_t>(get_int(patience, "every_ms", 1000), 0));
    return std::vector<Step>{std::move(step)};
  }

  Result<Json> observe(const Json&, host::Host&, std::stop_token) const override { return Json::object(); }
  Result<host::Command> command(const Action& action, const host::Host&) const override {
    return no_such_verb(action, *this);
  }

  Sight verify(const Action& action, host::Host& host, std::stop_token stop) const override {
    if (action.verb != "check") return Sight::cannot_tell(no_such_verb(action, *this).message);
    const auto command = command_argument(action.args, "run");
    if (!command) return Sight::cannot_tell(command.error().message);
    const auto result = host.run(*command, std::move(stop));
    if (!result) return Sight::cannot_tell("the check could not be run: " + one_line(result.error().message));
    if (result->cancelled) return Sight::cannot_tell("the check was interrupted");
    const std::string said = last_line(*result);
    const std::string words = said.empty() ? "" : ": " + said;
    Json evidence = {{"took_ms", result->took.count()}, {"said", said}};
    if (result->ok()) return Sight::holds("exit status 0" + words, std::move(evidence));
    if (result->timed_out)
      return Sight::does_not_hold("no answer within " + for_people(command->timeout), std::move(evidence));
    if (result->signal != 0)
      return Sight::does_not_hold(fmt::format("ended by signal {}{}", result->signal, words), std::move(evidence));
    evidence["exit_status"] = result->exit_status;
    return Sight::does_not_hold(fmt::format("exit status {}{}", result->exit_status, words), std::move(evidence));
  }
};

class AskDriver : public driver::Driver {
 public:
  std::string_view name() const override { return "ask"; }
  std::vector<driver::Verb> capabilities() const override { return {{"ask", StepKind::kAsk, true, false}}; }

  Result<std::vector<Step>> offer(const driver::Offering& offering) const override {
    if (checks_nothing(offering.kind)) return std::vector<Step>{};
    const std::string question = TRY(text_argument(offering.subject, "question"));
    const std::string role = TRY(optional_text_argument(offering.subject, "role"));
    const std::string shown = get_string(offering.subject, "name", question);
    Step step;
    step.id = StepId("ask-" + step_word(shown));
    step.phase = Phase::kCheck;
    step.kind = StepKind::kAsk;
    step.title = one_line(question);
    step.hosts = {offering.hosts.front()};  // one person answers for all
    step.action = {"ask", "ask", {{"question", question}, {"role", role}}};
    for (const char* key : {"within_ms", "otherwise"})
      if (offering.subject.contains(key)) step.action.args[key] = offering.subject[key];
    step.repeatable = true;
    return std::vector<Step>{std::move(step)};
  }

  Result<Json> observe(const Json&, host::Host&, std::stop_token) const override { return Json::object(); }
  Result<host::Command> command(const Action& action, const host::Host&) const override {
    return no_such_verb(action, *this);
  }
  Sight verify(const Action&, host::Host&, std::stop_token) const override {
    return Sight::cannot_tell("only a person can answer this");
  }
};

}  // namespace

std::unique_ptr<driver::Driver> make_run_check_driver() { return std::make_unique<RunCheckDriver>(); }
std::unique_ptr<driver::Driver> make_ask_driver() { return std::make_unique<AskDriver>(); }

}  // namespace backout::drivers
