#include "drivers/auto_deploy/auto_deploy.h"

#include <algorithm>
#include <filesystem>

#include "base/text.h"
#include "drivers/auto_deploy/deployer.h"
#include "drivers/command/arguments.h"
#include "model/step_word.h"

namespace backout::drivers {
namespace {

Result<DeployerState> look_at_deployer(const Deployer& deployer, host::Host& host, const std::stop_token& stop) {
  return state_in(deployer, TRY(host.run(look_command(deployer), stop)));
}

/// As `pause` found it on that host.
Json found_before(const Action& action, const host::Host& host) {
  return get(get(action.args, "was"), host.name().str());
}

class AutoDeployDriver : public driver::Driver {
 public:
  std::string_view name() const override { return "auto-deploy"; }
  std::vector<driver::Verb> capabilities() const override {
    return {{"pause", StepKind::kEffect, true, true},
            {"resume", StepKind::kEffect, true, true},
            {"rests", StepKind::kLook, true, true}};
  }

  Result<std::vector<Step>> offer(const driver::Offering& offering) const override {
    const Deployer deployer = TRY(deployer_from(offering.subject));
    if (offering.kind != RunKind::kRollback) return std::vector<Step>{};
    const std::string word = step_word(deployer.name);
    Step pause, rests;
    pause.id = StepId("pause-" + word);
    pause.title = words_for(deployer) + " is paused, until the cause is resolved";
    pause.action = {"auto-deploy", "pause", offering.subject};
    pause.action.args["was"] = Json::object();
    if (deployer.kind == "cron" || deployer.kind == "crontab")
      pause.action.args["copy"] = step_word(offering.site.str() + "-" + deployer.name) + ".{run}";
    rests.id = StepId("rests-" + word);
    rests.kind = StepKind::kLook;
    rests.action = {"auto-deploy", "rests", offering.subject};
    Json absent = Json::array();
    for (const std::string& host : offering.hosts) {
      const auto seen = offering.seen.find(host);
      if (seen == offering.seen.end())
        return Error{Code::kUnavailable, words_for(deployer) + " could not be looked at on " + host, ""};
      const bool there = get_bool(seen->second, "there"), goes_on = there && !get_bool(seen->second, "paused");
      (goes_on ? pause : rests).hosts.push_back(host);
      if (!there) absent.push_back(host);
      if (const Json& was = get(seen->second, "was"); goes_on && !was.is_null()) pause.action.args["was"][host] = was;
      if (const Json& cluster = get(seen->second, "cluster"); !cluster.is_null())
        pause.action.args["cluster"] = rests.action.args["cluster"] = cluster;
    }
    // What is nowhere is called by a wrong name, and what it is really called would deploy.
    if (absent.size() == offering.hosts.size())
      return Error{Code::kNotFound, words_for(deployer) + ": nothing of it is there, and nothing would be paused",
                   "correct auto_deploys in backout.yaml, or take it out"};
    rests.title = words_for(deployer) + " is paused already, and must stay so";
    if (!absent.empty()) rests.action.args["absent"] = std::move(absent);
    pause.undo = Action{"auto-deploy", "resume", pause.action.args};
    std::vector<Step> steps;
    for (Step* each : {&pause, &rests}) {
      if (each->hosts.empty()) continue;
      each->phase = Phase::kClose;
      each->repeatable = each->has_probe = true;
      each->timeout = Millis(90'000);
      each->patience = {8, Millis(250)};
      steps.push_back(std::move(*each));
    }
    return steps;
  }

  Result<Json> observe(const Json& subject, host::Host& host, std::stop_token stop) const override {
    Deployer deployer = TRY(deployer_from(subject));
    if (const host::Command place = place_command(deployer); !place.argv.empty())
      deployer.args["cluster"] = TRY(place_in(deployer, TRY(host.run(place, stop))));
    const DeployerState state = TRY(look_at_deployer(deployer, host, stop));
    Json seen = {{"there", state.there}, {"paused", state.paused}};
    if (!state.was.is_null()) seen["was"] = state.was;
    if (deployer.args.contains("cluster")) seen["cluster"] = deployer.args["cluster"];
    return seen;
  }

  Result<host::Command> command(const Action& action, const host::Host& host) const override {
    if (action.verb != "pause" && action.verb != "resume") return no_such_verb(action, *this);
    const Deployer deployer = TRY(deployer_from(action.args));
    return action.verb == "pause" ? pause_command(deployer) : resume_command(deployer, found_before(action, host));
  }

  Sight verify(const Action& action, host::Host& host, std::stop_token stop) const override {
    if (action.verb != "pause" && action.verb != "resume" && action.verb != "rests")
      return Sight::cannot_tell(no_such_verb(action, *this).message);
    const auto deployer = deployer_from(action.args);
    if (!deployer) return Sight::cannot_tell(deployer.error().message);
    const auto state = look_at_deployer(*deployer, host, stop);
    if (!state) return Sight::cannot_tell(one_line(state.error().message));
    const std::string words = words_for(*deployer);
    const Json evidence = {
        {"auto_deploy", one_line(deployer->name)}, {"there", state->there}, {"paused", state->paused}};
    if (action.verb == "resume") {
      if (goes_on_as(*deployer, *state, found_before(action, host)))
        return Sight::holds(words + (state->paused ? " is as it was found" : " goes on"), evidence);
      return Sight::does_not_hold(!state->there   ? words + " is not there any more"
                                  : state->paused ? words + " is paused"
                                                  : words + " is not as it was found",
                                  evidence);
    }
    if (state->paused) return Sight::holds(words + " is paused", evidence);
    if (state->there) return Sight::does_not_hold(words + " goes on", evidence);
    const Json& absent = get(action.args, "absent");
    if (std::find(absent.begin(), absent.end(), Json(host.name().str())) != absent.end())
      return Sight::holds("nothing of " + words + " is there", evidence);
    return Sight::does_not_hold(words + " is not there any more: what deploys instead is not seen", evidence);
  }

  driver::Readiness ready(const driver::Offering& offering, host::Host& host, driver::Depth,
                          std::stop_token stop) const override {
    driver::Readiness readiness;
    const auto deployer = deployer_from(offering.subject);
    const auto seen = offering.seen.find(host.name().str());
    if (!deployer || seen == offering.seen.end()) return readiness;
    const std::string words = words_for(*deployer);
    Finding finding{"self-deploy", Severity::kOk, one_line(deployer->name), "", "", "", Json::object()};
    if (!get_bool(seen->second, "there")) {
      finding.severity = Severity::kWarning;
      finding.what = words + " is not there: a rollback would not pause it";
      finding.next = "see auto_deploys in backout.yaml: is it called something else?";
    } else if (get_bool(seen->second, "paused")) {
      finding.what = words + " is paused";
    } else if (get_string(deployer->args, "engine") == "podman" &&
               get_string(get(seen->second, "was"), "restart", "no") != "no") {
      const Json& was = get(seen->second, "was");
      const bool boot = get_bool(was, "boot") && get_string(was, "restart") == "always";
      finding.severity = boot ? Severity::kWarning : Severity::kOk;
      finding.what = words + " has a restart policy, which Podman before 5.1 cannot change: " +
                     (boot ? "podman-restart.service would let it go on at a boot, so there it could not be paused"
                           : "there a rollback stops it instead, and backout resolve starts it again");
      if (boot)
        finding.next =
            "with such a Podman: systemctl disable podman-restart.service, or name commands of your own: "
            "auto_deploys: [{run: ...}]";
    } else {
      finding.what = words + " deploys by itself; a rollback pauses it, and backout resolve lets it go on";
    }
    readiness.findings.push_back(std::move(finding));
    if (!get_bool(seen->second, "there")) return readiness;
    Deployer there = *deployer;
    if (const Json& cluster = get(seen->second, "cluster"); !cluster.is_null()) there.args["cluster"] = cluster;
    if (const host::Command tried = try_command(there); !tried.argv.empty()) {
      const auto said = host.run(tried, std::move(stop));
      if (!said || !said->ok()) {
        const std::string told = said ? said->err + said->out : said.error().message;
        readiness.findings.push_back({"self-deploy.may", Severity::kRed, one_line(deployer->name), "",
                                      words + " could not be paused: " + shortened(one_line(trimmed(told)), 200),
                                      "give this user of kubectl the right to patch it", Json::object()});
      }
    }
    const std::string why = "to pause " + words;
    if (deployer->kind == "cron") {
      const std::string directory = std::filesystem::path(get_string(deployer->args, "object")).parent_path();
      readiness.needs.push_back({driver::Need::Kind::kWritable, directory, why});
    }
    if (deployer->kind == "timer")
      readiness.needs.push_back(
          {driver::Need::Kind::kWritable, get_string(deployer->args, "units", "/etc/systemd/system"), why});
    return readiness;
  }
};

}  // namespace

std::unique_ptr<driver::Driver> make_auto_deploy_driver() { return std::make_unique<AutoDeployDriver>(); }

}  // namespace backout::drivers
