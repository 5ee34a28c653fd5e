#include "drivers/auto_deploy/auto_deploy.h"

#include "base/text.h"
#include "drivers/auto_deploy/deployer.h"
#include "drivers/command/arguments.h"

namespace backout::drivers {
namespace {

Result<DeployerState> look_at_deployer(const Deployer& deployer, host::Host& host, const std::stop_token& stop) {
  return state_in(deployer, TRY(host.run(look_command(deployer), stop)));
}

class AutoDeployDriver : public driver::Driver {
 public:
  std::string_view name() const override { return "auto-deploy"; }
  std::vector<driver::Verb> capabilities() const override {
    return {{"pause", StepKind::kEffect, true, true}, {"resume", StepKind::kEffect, true, true}};
  }

  Result<std::vector<Step>> offer(const driver::Offering& offering) const override {
    const Deployer deployer = TRY(deployer_from(offering.subject));
    if (offering.kind != RunKind::kRollback) return std::vector<Step>{};
    Step pause;
    pause.id = StepId("pause-" + TRY(step_word(deployer.name)));
    pause.phase = Phase::kClose;
    pause.title = words_for(deployer) + " is paused, until the cause is resolved";
    pause.action = {"auto-deploy", "pause", offering.subject};
    for (const std::string& host : offering.hosts) {
      const auto seen = offering.seen.find(host);
      if (seen == offering.seen.end())
        return Error{Code::kUnavailable, words_for(deployer) + " could not be looked at on " + host, ""};
      if (get_bool(seen->second, "paused")) continue;
      pause.hosts.push_back(host);
      if (const Json& was = get(seen->second, "was"); !was.is_null()) pause.action.args["was"] = was;
    }
    if (pause.hosts.empty()) return std::vector<Step>{};
    pause.undo = Action{"auto-deploy", "resume", pause.action.args};
    pause.repeatable = pause.has_probe = true;
    pause.timeout = Millis(90'000);
    pause.patience = {8, Millis(250)};
    return std::vector<Step>{std::move(pause)};
  }

  Result<Json> observe(const Json& subject, host::Host& host, std::stop_token stop) const override {
    const DeployerState state = TRY(look_at_deployer(TRY(deployer_from(subject)), host, stop));
    Json seen = {{"there", state.there}, {"paused", state.paused}};
    if (!state.was.is_null()) seen["was"] = state.was;
    return seen;
  }

  Result<host::Command> command(const Action& action, const host::Host&) const override {
    if (action.verb != "pause" && action.verb != "resume") return no_such_verb(action, *this);
    const Deployer deployer = TRY(deployer_from(action.args));
    return action.verb == "pause" ? pause_command(deployer) : resume_command(deployer, get(action.args, "was"));
  }

  Sight verify(const Action& action, host::Host& host, std::stop_token stop) const override {
    if (action.verb != "pause" && action.verb != "resume")
      return Sight::cannot_tell(no_such_verb(action, *this).message);
    const auto deployer = deployer_from(action.args);
    if (!deployer) return Sight::cannot_tell(deployer.error().message);
    const auto state = look_at_deployer(*deployer, host, stop);
    if (!state) return Sight::cannot_tell(one_line(state.error().message));
    const bool pause = action.verb == "pause";
    const Json evidence = {{"auto_deploy", one_line(deployer->name)}, {"paused", state->paused}};
    std::string words = words_for(*deployer) + (state->paused ? " is paused" : " goes on");
    if (!state->there) words = words_for(*deployer) + " is not there any more";
    return state->paused == pause ? Sight::holds(words, evidence) : Sight::does_not_hold(words, evidence);
  }

  driver::Readiness ready(const driver::Offering& offering, host::Host& host, driver::Depth,
                          std::stop_token) const override {
    driver::Readiness readiness;
    const auto deployer = deployer_from(offering.subject);
    const auto seen = offering.seen.find(host.name().str());
    if (!deployer || seen == offering.seen.end()) return readiness;
    const std::string words = words_for(*deployer);
    Finding finding{"self-deploy", Severity::kOk, one_line(deployer->name), "", "", "", Json::object()};
    if (!get_bool(seen->second, "there")) {
      finding.severity = Severity::kWarning;
      finding.what = words + " is not there";
      finding.next = "see auto_deploys in backout.yaml: is it called something else?";
    } else if (get_bool(seen->second, "paused")) {
      finding.what = words + " is paused";
    } else {
      finding.what = words + " deploys by itself; a rollback pauses it, and backout resolve lets it go on";
    }
    readiness.findings.push_back(std::move(finding));
    return readiness;
  }
};

}  // namespace

std::unique_ptr<driver::Driver> make_auto_deploy_driver() { return std::make_unique<AutoDeployDriver>(); }

}  // namespace backout::drivers
