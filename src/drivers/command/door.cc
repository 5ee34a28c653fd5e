#include "drivers/command/door.h"

#include "drivers/command/arguments.h"
#include "drivers/command/probe.h"

namespace backout::drivers {
namespace {

class DoorCommandDriver : public driver::Driver {
 public:
  std::string_view name() const override { return "door-command"; }

  std::vector<driver::Verb> capabilities() const override {
    return {{"close", StepKind::kEffect, true, false},
            {"open", StepKind::kEffect, true, false}};  // a probe is the user's choice
  }

  Result<std::vector<Step>> offer(const driver::Offering& offering) const override {
    if (offering.kind == RunKind::kDeploy || offering.kind == RunKind::kCheckpoint) return std::vector<Step>{};
    const Action close = TRY(action_of("close", offering.subject));
    const Action open = TRY(action_of("open", offering.subject));
    Step closes = TRY(step_of(close, Phase::kClose, offering));
    closes.title = "keep users outside";
    closes.undo = open;
    Step opens = TRY(step_of(open, Phase::kOpen, offering));
    opens.title = "let users in again";
    return std::vector<Step>{std::move(closes), std::move(opens)};
  }

  Result<Json> observe(const Json& subject, host::Host& host, std::stop_token stop) const override {
    const Sight closed = look_by_probe(subject, "probe", host, std::move(stop));
    switch (closed.kind) {
      case SightKind::kHolds: return Json{{"door", "closed"}};
      case SightKind::kDoesNotHold: return Json{{"door", "open"}};
      case SightKind::kCannotTell: break;
    }
    return Json{{"door", "unknown"}, {"why", closed.why}};
  }

  Result<host::Command> command(const Action& action, const host::Host&) const override {
    if (action.verb == "close" || action.verb == "open") return command_argument(action.args, "run");
    return no_such_verb(action, *this);
  }

  Sight verify(const Action& action, host::Host& host, std::stop_token stop) const override {
    if (const auto well_formed = command(action, host); !well_formed)
      return Sight::cannot_tell(well_formed.error().message);
    Sight closed = look_by_probe(action.args, "probe", host, std::move(stop));
    return action.verb == "open" ? opposite(std::move(closed)) : closed;
  }

 private:
  static Result<Action> action_of(const std::string& verb, const Json& subject) {
    TRY(command_argument(subject, verb).with_context("door"));
    Json args = {{"run", get(subject, verb)}};
    if (!get(subject, "probe").is_null()) {
      TRY(command_argument(subject, "probe").with_context("door"));
      args["probe"] = get(subject, "probe");
    }
    return Action{"door-command", verb, std::move(args)};
  }

  static Result<Step> step_of(const Action& action, Phase phase, const driver::Offering& offering) {
    Step step;
    step.id = StepId(action.verb + "-door");
    step.phase = phase;
    step.kind = StepKind::kEffect;
    step.hosts = offering.hosts;
    step.action = action;
    step.repeatable = true;
    step.has_probe = action.args.contains("probe");
    step.timeout = TRY(command_argument(action.args, "run")).timeout;
    return step;
  }
};

}  // namespace

std::unique_ptr<driver::Driver> make_door_command_driver() { return std::make_unique<DoorCommandDriver>(); }

}  // namespace backout::drivers
