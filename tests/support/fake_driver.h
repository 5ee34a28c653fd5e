// FakeDriver "fake": verbs that set switches of a FakeMachine, honest ones and liars.
#pragma once
#include <vector>

#include "driver/driver.h"
#include "driver/final_sight.h"

namespace backout::fakes {

/// Arguments of every verb: {key, value}; "say": {text}.
///   set          repeatable, with a probe
///   once         must not run twice, with a probe
///   append       must not run twice, no probe: only its exit status tells
///   append-again the same, but repeatable
///   say          prints `text`, no probe
///   lie          exits 0 and does nothing; its probe looks honestly
///   murky        says that it has a probe, but the probe can never tell
///   look         a look: whether the switch has the value
class FakeDriver : public driver::Driver {
 public:
  std::string_view name() const override { return "fake"; }
  std::vector<driver::Verb> capabilities() const override {
    return {{"set", StepKind::kEffect, true, true},           {"once", StepKind::kEffect, false, true},
            {"append", StepKind::kEffect, false, false},      {"say", StepKind::kEffect, true, false},
            {"append-again", StepKind::kEffect, true, false}, {"lie", StepKind::kEffect, false, true},
            {"murky", StepKind::kEffect, false, true},        {"look", StepKind::kLook, true, true}};
  }
  Result<std::vector<Step>> offer(const driver::Offering&) const override { return std::vector<Step>{}; }
  Result<Json> observe(const Json&, host::Host&, std::stop_token) const override { return Json::object(); }

  Result<host::Command> command(const Action& action, const host::Host&) const override {
    host::Command command;
    const std::string key = get_string(action.args, "key"), value = get_string(action.args, "value");
    if (action.verb == "say") {
      command.argv = {"say", get_string(action.args, "text")};
    } else if (key.empty()) {
      return Error{Code::kInvalid, "a switch needs a key", ""};
    } else if (action.verb == "lie") {
      command.argv = {"nothing"};
    } else if (action.verb == "append-again") {
      command.argv = {"append", key, value};
    } else {
      command.argv = {action.verb == "murky" ? "set" : action.verb, key, value};
    }
    return command;
  }

  Sight verify(const Action& action, host::Host& host, std::stop_token stop) const override {
    const std::string key = get_string(action.args, "key"), value = get_string(action.args, "value");
    if (action.verb == "append" || action.verb == "append-again" || action.verb == "say")
      return Sight::cannot_tell("there is no way to tell");
    if (action.verb == "murky") return Sight::cannot_tell("the probe timed out");
    if (stop.stop_requested()) return Sight::cannot_tell("stopped while looking");
    const auto found = host.read(key);
    if (!found && found.error().code != Code::kNotFound) return Sight::cannot_tell(found.error().message);
    const std::string now = found ? *found : "nothing";
    if (now == value) return Sight::holds(key + " is " + now, {{"seen", now}});
    Sight other = Sight::does_not_hold("expected " + key + " to be " + value + ", it is " + now, {{"seen", now}});
    return now == "given up" ? driver::final_sight(std::move(other)) : other;
  }
};

}  // namespace backout::fakes
