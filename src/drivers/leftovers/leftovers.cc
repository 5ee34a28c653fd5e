#include "drivers/leftovers/leftovers.h"

#include "base/text.h"
#include "drivers/command/arguments.h"
#include "drivers/leftovers/store.h"
#include "model/step_word.h"

namespace backout::drivers {
namespace {

// What every act prints last: how much there was, and how much is left.
constexpr const char* kTold = R"sh(
found=$(counts "$@") || exit 1
told() {
  now=$(counts "$@") || exit 1
  printf '{"found": %s, "left": %s, "aside": %s}\n' "${found% *}" "${now% *}" "${now#* }"
}
)sh";

std::string drain_body(Millis within) {
  return std::string(kTold) + fmt::format(R"sh(
end=$(( $(centiseconds) + {} ))
while now=$(counts "$@") || exit 1; [ "${{now%% *}}" -gt 0 ]; do
  [ "$(centiseconds)" -lt "$end" ] || break
  sleep 0.2
done
told "$@"
)sh",
                                          within.count() / 10);
}

std::string act_body(const char* verb) { return std::string(kTold) + verb + "\ntold \"$@\"\n"; }

class LeftoversDriver : public driver::Driver {
 public:
  std::string_view name() const override { return "leftovers"; }
  std::vector<driver::Verb> capabilities() const override {
    return {{"drain", StepKind::kEffect, true, false}, {"count", StepKind::kLook, true, true},
            {"aside", StepKind::kEffect, true, true},  {"back", StepKind::kEffect, true, true},
            {"drop", StepKind::kEffect, true, true},   {"act", StepKind::kEffect, true, false},
            {"undo", StepKind::kEffect, true, false}};
  }

  Result<std::vector<Step>> offer(const driver::Offering& offering) const override {
    const Leftover leftover = TRY(leftover_from(offering.subject));
    if (offering.kind != RunKind::kRollback && offering.kind != RunKind::kForward) return std::vector<Step>{};
    const std::string word = step_word(leftover.name);
    Json args = offering.subject;
    args["aside"] = "backout-parked:{run}";
    const auto step = [&](const char* verb, Phase phase, std::string title) {
      return Step{.id = StepId(std::string(verb) + "-" + word),
                  .phase = phase,
                  .title = std::move(title),
                  .hosts = offering.hosts,
                  .action = {"leftovers", verb, args},
                  .repeatable = true,
                  .has_probe = true,
                  .timeout = leftover.within + Millis(90'000)};
    };
    const std::string& what = leftover.name;
    if (leftover.stage == "drain") {
      Step drain = step("drain", Phase::kClose,
                        fmt::format("{} is worked off, for {} at most", what, for_people(leftover.within)));
      drain.has_probe = false;
      drain.on_unknown = OnUnknown::kRerun;
      return std::vector<Step>{drain};
    }
    const std::string rule = leftover.effective_rule();
    const bool commands = leftover.kind == "run";
    if (rule == "leave" || (commands && !args.contains(leftover.rule == "drain" ? "otherwise_act" : "act"))) {
      Step count = step("count", Phase::kClose, what + " is counted and left as it is");
      count.kind = StepKind::kLook;
      return std::vector<Step>{count};
    }
    if (commands) {
      Step act = step("act", Phase::kClose, fmt::format("{}: {}", what, rule));
      act.has_probe = false;
      if (args.contains("undo")) act.undo = Action{"leftovers", "undo", args};
      return std::vector<Step>{act};
    }
    Step aside = step("aside", Phase::kClose, what + " is set aside");
    aside.undo = Action{"leftovers", "back", args};
    if (rule == "park") return std::vector<Step>{aside};
    return std::vector<Step>{aside, step("drop", Phase::kSettle, what + ", set aside, is deleted")};
  }

  Result<Json> observe(const Json& subject, host::Host& host, std::stop_token stop) const override {
    const Leftover leftover = TRY(leftover_from(subject));
    const Counts seen = TRY(counts_of(leftover, host, stop).with_context("leftovers: " + leftover.name));
    return Json{{"found", seen.left}};
  }

  Result<host::Command> command(const Action& action, const host::Host&) const override {
    const Leftover leftover = TRY(leftover_from(action.args));
    if (action.verb == "drain") {
      host::Command command = TRY(store_command(leftover, drain_body(leftover.within)));
      command.timeout = leftover.within + Millis(60'000);
      return command;
    }
    if (action.verb == "act" || action.verb == "undo") {
      if (leftover.kind != "run")
        return Error{Code::kInvalid, leftover.name + ": only a leftover of kind run has commands", ""};
      return command_argument(action.args, action.verb == "undo"      ? "undo"
                                           : leftover.rule == "drain" ? "otherwise_act"
                                                                      : "act");
    }
    const bool moves = action.verb == "aside" || action.verb == "back" || action.verb == "drop";
    if (!moves || leftover.kind == "run")
      return Error{Code::kInvalid, "leftovers: no command for '" + action.verb + "'", ""};
    return store_command(leftover, act_body(action.verb.c_str()));
  }

  Sight verify(const Action& action, host::Host& host, std::stop_token stop) const override {
    const auto leftover = leftover_from(action.args);
    if (!leftover) return Sight::cannot_tell(leftover.error().message);
    const std::string& name = leftover->name;
    if (action.verb == "undo") return Sight::cannot_tell(name + ": nothing says what its undo did");
    const auto seen = counts_of(*leftover, host, stop);
    if (!seen) return Sight::cannot_tell(name + ": " + seen.error().message);
    Json evidence = {{"left", seen->left}, {"aside", seen->aside}, {"leftover", one_line(name)}};
    const std::string left = fmt::format("{}: {} left", name, seen->left);
    if (action.verb == "drain" || action.verb == "act") {
      if (action.verb == "drain" && seen->left == 0) return Sight::cannot_tell(name + " is worked off", evidence);
      return Sight::cannot_tell(left, evidence);
    }
    if (action.verb == "count") {
      if (seen->left > 0) evidence["leftover_told"] = fmt::format("{} left as they are", seen->left);
      return Sight::holds(left, evidence);
    }
    if (action.verb == "aside") {
      if (seen->left > 0) return Sight::does_not_hold(left, evidence);
      if (seen->aside > 0)
        evidence["leftover_told"] =
            fmt::format("{} set aside under the name {}", seen->aside, leftover->suffix.substr(1));
      return Sight::holds(fmt::format("{}: {} set aside, nothing left", name, seen->aside), evidence);
    }
    if (action.verb == "back" || action.verb == "drop") {
      if (seen->aside > 0)
        return Sight::does_not_hold(fmt::format("{}: {} still set aside", name, seen->aside), evidence);
      if (action.verb == "drop") evidence["leftover_told"] = "deleted, as its rule says";
      return Sight::holds(fmt::format("{}: nothing is set aside any more", name), evidence);
    }
    return Sight::cannot_tell("leftovers: nothing to look at for '" + action.verb + "'");
  }

 private:
  static Result<Counts> counts_of(const Leftover& leftover, host::Host& host, std::stop_token stop) {
    const host::Command command = TRY(store_command(leftover, "counts \"$@\"\n"));
    const host::CommandResult result = TRY(host.run(command, stop));
    if (!result.ok()) return Error{Code::kUnavailable, result.why_not_ok(), ""};
    return parse_counts(result.out);
  }
};

}  // namespace

std::unique_ptr<driver::Driver> make_leftovers_driver() { return std::make_unique<LeftoversDriver>(); }

}  // namespace backout::drivers
