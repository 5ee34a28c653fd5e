#include "drivers/command/command.h"

#include "base/text.h"
#include "drivers/command/arguments.h"
#include "drivers/command/probe.h"
#include "model/step_word.h"

namespace backout::drivers {
namespace {

class CommandDriver : public driver::Driver {
 public:
  std::string_view name() const override { return "command"; }

  std::vector<driver::Verb> capabilities() const override {
    // Whether a command is repeatable and can be probed is the configuration's word; the step says it.
    return {{"run", StepKind::kEffect, false, false},
            {"run-undo", StepKind::kEffect, false, false},
            {"deploy", StepKind::kEffect, false, false}};
  }

  Result<std::vector<Step>> offer(const driver::Offering& offering) const override {
    if (offering.kind == RunKind::kDeploy || offering.kind == RunKind::kCheckpoint) return std::vector<Step>{};
    const Json& subject = offering.subject;
    const std::string shown = TRY(text_argument(subject, "name"));
    Json args = {{"name", shown}, {"run", get(subject, "run")}};
    TRY(command_argument(subject, "run").with_context("command '" + shown + "'"));
    Step step;
    step.id = StepId("run-" + step_word(shown));
    step.phase = TRY(phase_of(get_string(subject, "phase", name_of(Phase::kSwitch))));
    step.kind = StepKind::kEffect;
    step.title = one_line(shown);
    step.hosts = offering.hosts;
    step.repeatable = get_bool(subject, "repeatable");
    step.on_unknown = get_string(subject, "on_unknown") == "rerun" ? OnUnknown::kRerun : OnUnknown::kAsk;
    step.timeout = TRY(command_argument(subject, "run")).timeout;
    if (!get(subject, "probe").is_null()) {
      TRY(command_argument(subject, "probe").with_context("command '" + shown + "'"));
      args["probe"] = get(subject, "probe");
      step.has_probe = true;
    }
    if (!get(subject, "undo").is_null()) {
      TRY(command_argument(subject, "undo").with_context("command '" + shown + "'"));
      Json back = args;
      back.erase("run");
      back["undo"] = get(subject, "undo");
      step.undo = Action{"command", "run-undo", std::move(back)};
    }
    step.action = Action{"command", "run", std::move(args)};
    return std::vector<Step>{std::move(step)};
  }

  Result<Json> observe(const Json& subject, host::Host& host, std::stop_token stop) const override {
    if (get(subject, "probe").is_null()) return Json{{"done", nullptr}};
    const Sight sight = look_by_probe(subject, "probe", host, std::move(stop));
    if (sight.kind == SightKind::kCannotTell) return Json{{"done", nullptr}, {"why", sight.why}};
    return Json{{"done", sight.kind == SightKind::kHolds}};
  }

  Result<host::Command> command(const Action& action, const host::Host&) const override {
    if (action.verb == "run" || action.verb == "deploy") return command_argument(action.args, "run");
    if (action.verb == "run-undo") return command_argument(action.args, "undo");
    return no_such_verb(action, *this);
  }

  Sight verify(const Action& action, host::Host& host, std::stop_token stop) const override {
    if (const auto well_formed = command(action, host); !well_formed)
      return Sight::cannot_tell(well_formed.error().message);
    if (action.verb == "deploy") return Sight::cannot_tell("nothing can tell whether a deploy command is done");
    Sight sight = look_by_probe(action.args, "probe", host, std::move(stop));
    return action.verb == "run-undo" ? opposite(std::move(sight)) : sight;
  }
};

}  // namespace

std::unique_ptr<driver::Driver> make_command_driver() { return std::make_unique<CommandDriver>(); }

}  // namespace backout::drivers
