#include "drivers/code/deploy_command.h"

#include "base/text.h"
#include "driver/secrets.h"
#include "drivers/code/build.h"
#include "drivers/code/deploy_command_scripts.h"
#include "drivers/code/facts.h"
#include "drivers/code/recap.h"
#include "drivers/code/script.h"
#include "drivers/code/version.h"
#include "drivers/command/arguments.h"

namespace backout::drivers {
namespace {

constexpr const char* kDeployName = "deploy-command";

struct Deploy {
  std::string user, recap;
  std::vector<std::string> words;
  std::vector<std::string> hosts;  // that the recap must name
};

/// {bring: [names]}, on a line each; `backout.yaml` was checked for the same.
Result<std::string> names_to_bring(const Json& args) {
  std::string names;
  for (const Json& item : get(args, "bring")) {
    const std::string name = item.is_string() ? item.get<std::string>() : "";
    const std::string within = "/" + name + "/";
    if (name.empty() || within.find("//") != std::string::npos || within.find("/../") != std::string::npos ||
        within.starts_with("/.git/") || name.find_first_of(std::string_view("\n\r\0", 3)) != std::string::npos)
      return Error{Code::kInvalid, "'bring': '" + one_line(name) + "' is not a file of the clone", ""};
    names += name + "\n";
  }
  return names;
}

Result<Deploy> deploy_of(const Json& args) {
  Deploy deploy;
  const std::string path = TRY(path_argument(args, "path")), version = TRY(version_argument(args, "version"));
  const std::string git = TRY(optional_text_argument(args, "git")), run = TRY(version_argument(args, "run_id"));
  if (!git.empty()) TRY_VOID(check_git_source(git));
  const std::string commit = get_string(args, "commit");
  if (!commit.empty() && !is_commit(commit)) return Error{Code::kInvalid, "'commit' is not a commit", ""};
  deploy.user = TRY(optional_text_argument(args, "user"));
  deploy.recap = get_string(args, "recap");
  for (const Json& host : get(args, "recap_hosts"))
    if (host.is_string()) deploy.hosts.push_back(host.get<std::string>());
  deploy.words = {path, version, git, commit, run, TRY(names_to_bring(args))};
  return deploy;
}

/// Of the command that ended as `status` says.
Sight sight_of_recap(const Deploy& deploy, const std::string& status, const Recap& recap) {
  const bool ended_well = status == "ended 0";
  if (recap.empty())
    return Sight::does_not_hold(ended_well ? "the deploy command ended with 0, but left no PLAY RECAP"
                                           : "the deploy command " + status + ", and left no PLAY RECAP");
  const RecapHosts hosts = hosts_of(recap, deploy.hosts);
  Json evidence = {{"recap", recap}};
  evidence["hosts"] = {{"without_fault", hosts.through}, {"failed", hosts.failed}, {"missing", hosts.missing}};
  const std::string fault = told_apart(recap, deploy.hosts);
  if (!fault.empty())
    return Sight::does_not_hold((ended_well ? "" : "the deploy command " + status + "; ") + "the recap says " + fault,
                                std::move(evidence));
  if (!ended_well)
    return Sight::does_not_hold(
        "the deploy command " + status + ", though its recap names no fault: " + join(hosts.through, ", "),
        std::move(evidence));
  return Sight::holds("the recap names " + counted(std::ssize(hosts.through), "host") + ", none failed",
                      std::move(evidence));
}

/// Of an undo that brings `version` wherever the command goes: what of that was not so before, as one sentence; none
/// where each host was seen to have run it. `hosts`: that it went to; empty when it does not tell.
std::vector<std::string> not_as_found(const std::string& version, const Json& before, std::vector<std::string> hosts) {
  const std::string on = hosts.empty() ? "all that it deploys to" : join(hosts, ", ");
  if (hosts.empty())
    for (const auto& [host, seen] : before.items()) hosts.push_back(host);
  std::vector<std::string> other, unseen;
  for (const std::string& host : hosts) {
    const std::string ran = get_string(before, host);
    if (ran.empty())
      unseen.push_back(host);
    else if (ran != version)
      other.push_back(fmt::format("{} ran {} when the plan was made", host, one_line(ran)));
  }
  if (hosts.empty()) other.emplace_back("what ran there before was not looked at");
  if (!unseen.empty()) other.push_back("what " + join(unseen, ", ") + " ran before was not seen");
  if (other.empty()) return {};
  return {fmt::format("the deploy command brought {} to {}: {}", version, on, join(other, "; "))};
}

Sight sight_of_deploy(const Action& action, host::Host& host, std::stop_token stop) {
  const auto deploy = deploy_of(action.args);
  if (!deploy) return Sight::cannot_tell(deploy.error().message);
  const auto facts =
      look(host, git_script(std::string(kWorktree) + std::string(kSeen)), deploy->words, deploy->user, std::move(stop));
  if (!facts) return Sight::cannot_tell(one_line(facts.error().message));
  const std::string &version = deploy->words[1], work = facts->text("work"), target = facts->text("target");
  if (action.verb == "clean")
    return work.empty() ? Sight::holds("the work tree is gone") : Sight::does_not_hold("the work tree is still there");
  if (action.verb == "worktree") {
    if (work.empty() || work != target) return Sight::does_not_hold("there is no work tree at " + version);
    if (facts->has("changed")) return Sight::does_not_hold("the work tree is not clean: " + facts->text("changed"));
    return Sight::holds("a clean work tree at " + version + ", " + work, {{"commit", work}});
  }
  const std::string status = facts->text("status");
  if (status.empty()) return Sight::does_not_hold("the deploy command never began");
  if (status == "begun") return Sight::cannot_tell("the deploy command began and did not come to its end");
  // What it did was done over: by its undo, or by a later run.
  const std::vector<std::string> last = split(facts->text("last"), ' ');
  if (status == "ended 0" && last.size() == 2 && last[1] != version)
    return Sight::does_not_hold(fmt::format("since then {} deployed {}", one_line(last[0]), one_line(last[1])));
  const bool ended_well = status == "ended 0", has_recap = deploy->recap == "ansible";
  const Recap recap = has_recap ? ansible_recap(join(facts->all("log"), "\n")) : Recap();
  Sight sight = has_recap    ? sight_of_recap(*deploy, status, recap)
                : ended_well ? Sight::holds("the deploy command ended with 0; checks say whether it worked")
                             : Sight::does_not_hold("the deploy command " + status);
  if (!get_bool(action.args, "everywhere") || sight.kind != SightKind::kHolds) return sight;
  std::vector<std::string> words = not_as_found(version, get(action.args, "before"),
                                                deploy->hosts.empty() ? hosts_of(recap, {}).through : deploy->hosts);
  if (!words.empty()) sight.evidence["not_as_found"] = std::move(words);
  return sight;
}

class DeployCommandDriver : public driver::Driver {
 public:
  std::string_view name() const override { return kDeployName; }

  std::vector<driver::Verb> capabilities() const override {
    return {{"worktree", StepKind::kEffect, true, true},
            {"deploy", StepKind::kEffect, false, false},
            {"clean", StepKind::kEffect, true, true}};
  }

  Result<std::vector<Step>> offer(const driver::Offering& offering) const override {
    std::vector<Step> steps;
    if (offering.kind == RunKind::kDeploy || offering.kind == RunKind::kCheckpoint) return steps;
    Json args = offering.subject;
    for (const char* of_the_site : {"keep_versions", "from_whole", "to_commit", "from_commit", "changed_before"})
      args.erase(of_the_site);
    TRY_VOID(check_version(offering.to.str()));
    const UserCommand run = TRY(user_command_argument(get(args, "run"), "run"));
    args["run_id"] = "{run}";
    Json to = args, from = args;
    to["version"] = offering.to.str();
    from["version"] = offering.from.str();
    from["everywhere"] = true;
    const auto step = [&](std::string id, const char* verb, Phase phase, std::string title, const Json& with) {
      Step made;
      made.id = StepId(std::move(id));
      made.phase = phase;
      made.title = std::move(title);
      made.hosts = offering.hosts;
      made.action = {kDeployName, verb, with};
      made.repeatable = made.has_probe = std::string_view(verb) != "deploy";
      made.timeout = Millis(600'000) + run.timeout;
      steps.push_back(std::move(made));
    };
    step("worktree-code", "worktree", Phase::kPrepare, "a clean work tree at " + offering.to.str(), to);
    step("deploy-code", "deploy", Phase::kSwitch,
         "your command at " + offering.to.str() + ": " + shortened(one_line(join(run.argv, " ")), 80), to);
    if (is_version(offering.from.str())) steps.back().undo = Action{kDeployName, "deploy", from};
    step("clean-code", "clean", Phase::kSettle, "remove the work tree", to);
    return steps;
  }

  Result<Json> observe(const Json& subject, host::Host& host, std::stop_token stop) const override {
    const std::string path = TRY(path_argument(subject, "path"));
    const Facts facts =
        TRY(look(host, git_script("cd \"$1\"; printf 'git %s\\n' \"$(git rev-parse --absolute-git-dir)\"; echo end\n"),
                 {path}, TRY(optional_text_argument(subject, "user")), std::move(stop)));
    if (!facts.has("git")) return Error{Code::kNotFound, path + " is not a clone", "mend code.path"};
    return Json::object();
  }

  Result<std::vector<std::string>> takes_away(const driver::Offering& offering, host::Host&,
                                              std::stop_token) const override {
    if (offering.kind == RunKind::kDeploy || offering.kind == RunKind::kCheckpoint) return std::vector<std::string>();
    return std::vector<std::string>{fmt::format(
        "put back, your command brings {} to all that it deploys to, also to what ran something else before",
        one_line(offering.from.str()))};
  }

  driver::Readiness ready(const driver::Offering& offering, host::Host& host, driver::Depth,
                          std::stop_token stop) const override {
    driver::Readiness readiness;
    const std::string user = get_string(offering.subject, "user"), version = offering.to.str();
    const auto bring = names_to_bring(offering.subject);
    if (!bring) return readiness;  // no plan can be made, and says so
    const std::string asked = std::string(kReadyStart) + std::string(kOriginals) + std::string(kReady);
    const auto facts =
        look(host, git_script(asked), {get_string(offering.subject, "path"), version, *bring}, user, std::move(stop));
    if (!facts) return readiness;  // what a plan would say, too: it looks at the clone
    if (!version.empty() && !facts->has("tag"))
      readiness.findings.push_back({"code.tag", Severity::kWarning, "", "",
                                    "tag " + one_line(version) + " is not in the clone: it will have to be fetched",
                                    "git fetch --tags in " + get_string(offering.subject, "path")});
    if (facts->has("beside"))
      readiness.findings.push_back(
          {"code.beside", Severity::kWarning, "", "",
           "the command runs in a clean work tree, without what git does not have: " +
               shortened(one_line(join(facts->all("beside"), ", ")), 160),
           "where it needs one of them (a vault's password): code: deploy: {bring: [...]}, or its absolute path"});
    for (const std::string& amiss : facts->all("amiss"))
      readiness.findings.push_back(
          {"code.bring", Severity::kRed, "", "", one_line(amiss), "put it there, or take it out of code.deploy.bring"});
    if (get_string(offering.subject, "recap") == "ansible" && !facts->has("ansible"))
      readiness.findings.push_back(
          {"code.tool", Severity::kWarning, "", "",
           "ansible-playbook is not on the PATH: unless your command knows where it is, nothing can be deployed",
           "apt-get install ansible-core, or let the command name it by its path"});
    return readiness;
  }

  Result<host::Command> command(const Action& action, const host::Host&) const override {
    if (action.verb != "worktree" && action.verb != "deploy" && action.verb != "clean")
      return no_such_verb(action, *this);
    Deploy deploy = TRY(deploy_of(action.args));
    std::string body = std::string(kWorktree) + std::string(kOriginals) + std::string(kBring);
    Build build;
    body += action.verb == "clean" ? kClean : kPrepare;
    if (action.verb == "worktree") body += kLookWhatToBring;  // while the site still runs
    if (action.verb == "deploy") {
      body += kBringIt;
      body += kRunIt;
      Json run = get(action.args, "run");
      if (run.is_object()) run.erase("user");
      build = TRY(build_of(Json::array({run}), deploy.user));
      deploy.words.push_back(build.lines.at(0));
      deploy.words.push_back(deploy.recap);
    }
    host::Command made = host::shell(build_script(body), deploy.words);
    made.user = deploy.user;
    made.env = build.env;
    TRY_VOID(driver::reveal(build.secrets, made.env));
    made.timeout = Millis(600'000) + build.timeout;
    return made;
  }

  Sight verify(const Action& action, host::Host& host, std::stop_token stop) const override {
    for (const driver::Verb& verb : capabilities())
      if (verb.name == action.verb) return sight_of_deploy(action, host, std::move(stop));
    return Sight::cannot_tell(no_such_verb(action, *this).message);
  }
};

}  // namespace

std::unique_ptr<driver::Driver> make_deploy_command_driver() { return std::make_unique<DeployCommandDriver>(); }

}  // namespace backout::drivers
