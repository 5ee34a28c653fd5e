#include "drivers/code/coolify.h"

#include <algorithm>

#include "base/text.h"
#include "driver/final_sight.h"
#include "driver/secrets.h"
#include "driver/tool.h"
#include "drivers/code/coolify_judge.h"
#include "drivers/code/version.h"
#include "drivers/command/arguments.h"

namespace backout::drivers {
namespace {

constexpr const char* kCoolifyName = "coolify";
constexpr Millis kLookTime{60'000};

bool is_uuid(const std::string& text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return (std::isalnum(c) != 0 && c < 0x80) || c == '-' || c == '_';
  });
}

bool is_http(const std::string& url) {
  return (url.starts_with("http://") || url.starts_with("https://")) && url.find('@') == std::string::npos;
}

/// What is needed for every question.
Result<Json> coolify_place(const Json& args) {
  const std::string url = TRY(text_argument(args, "url")), application = TRY(text_argument(args, "application"));
  const std::string serves = TRY(text_argument(args, "serves"));
  if (!is_http(url)) return Error{Code::kInvalid, "'url' is not an address of http or https", "mend code.coolify.url"};
  if (!is_http(serves))
    return Error{Code::kInvalid, "'serves' is not an address of http or https", "mend code.coolify.serves"};
  if (!is_uuid(application))
    return Error{Code::kInvalid, "'" + one_line(application) + "' cannot be the uuid of an application",
                 "mend code.coolify.application"};
  const auto places = TRY(driver::secret_places(get(args, "secrets")));
  if (!places.contains("COOLIFY_TOKEN")) return Error{Code::kInvalid, "there is no token", "mend code.coolify.token"};
  return Json{{"url", url}, {"application", application}, {"serves", serves}};
}

Result<std::string> commit_argument(const Json& args, const char* key) {
  const std::string commit = TRY(text_argument(args, key));
  if (!is_commit(commit)) return Error{Code::kInvalid, fmt::format("'{}' is not a commit", key), ""};
  return commit;
}

Result<Json> with_commits(Json made, const Json& args, const std::string& verb) {
  if (verb == "note" || verb == "stands") return made;
  made["commit"] = TRY(commit_argument(args, "commit"));
  const std::string branch = TRY(optional_text_argument(args, "branch"));
  if (!branch.empty()) made["branch"] = branch;
  if (verb == "deploy") {
    if (get_bool(args, "in_front")) made["in_front"] = true;
    for (const char* key : {"old_version", "old_commit"})
      if (const std::string old = get_string(args, key); !old.empty()) made[key] = old;
    made["version"] = TRY(version_argument(args, "version"));
    for (const char* key : {"within_ms", "poll_ms"})
      if (args.contains(key)) made[key] = std::max<int64_t>(get_int(args, key), 1);
    return made;
  }
  const Json& was = get(args, "was");
  if (!was.is_object() || get_string(was, "sha").empty())
    return Error{Code::kInvalid, "'was' does not say how the application was found", ""};
  made["was"] = was;
  made["ours"] = {get_string(made, "commit")};
  const std::string from = get_string(args, "from_commit");
  if (is_commit(from)) made["ours"].push_back(from);
  if (!get_bool(args, "resolved")) return made;  // an abort: what was bad serves again
  made["resolved"] = true;
  if (is_commit(from)) made["bad"] = from;
  for (const char* key : {"path", "remote"})
    if (const std::string text = get_string(args, key); !text.empty()) made[key] = text;
  return made;
}

class CoolifyDriver : public driver::Driver {
 public:
  explicit CoolifyDriver(std::string self) : self_(std::move(self)) {}
  std::string_view name() const override { return kCoolifyName; }

  std::vector<driver::Verb> capabilities() const override {
    return {{"note", StepKind::kLook, true, true},     {"pause", StepKind::kEffect, true, true},
            {"resume", StepKind::kEffect, true, true}, {"deploy", StepKind::kEffect, true, true},
            {"serves", StepKind::kLook, true, true},   {"stands", StepKind::kLook, true, true}};
  }

  Result<std::vector<Step>> offer(const driver::Offering& offering) const override;
  Result<Json> observe(const Json& subject, host::Host& host, std::stop_token stop) const override;
  driver::Readiness ready(const driver::Offering& offering, host::Host& host, driver::Depth,
                          std::stop_token stop) const override;

  Result<host::Command> command(const Action& action, const host::Host&) const override {
    if (action.verb != "pause" && action.verb != "resume" && action.verb != "deploy")
      return no_such_verb(action, *this);
    const Json args = TRY(with_commits(TRY(coolify_place(action.args)), action.args, action.verb));
    host::Command made = TRY(ask(action.args, action.verb, args));
    made.timeout = action.verb == "deploy" ? Millis(get_int(args, "within_ms", 900'000)) + kLookTime : kLookTime;
    return made;
  }

  Sight verify(const Action& action, host::Host& host, std::stop_token stop) const override {
    const auto verbs = capabilities();
    if (std::none_of(verbs.begin(), verbs.end(), [&](const driver::Verb& verb) { return verb.name == action.verb; }))
      return Sight::cannot_tell(no_such_verb(action, *this).message);
    const auto place = coolify_place(action.args);
    const auto args =
        !place ? place : with_commits(*place, action.args, action.verb == "serves" ? "deploy" : action.verb);
    if (!args) return Sight::cannot_tell(args.error().message);
    const auto look = this->look(action.args, host, std::move(stop));
    if (!look) return Sight::cannot_tell(one_line(look.error().message));
    const std::string commit = get_string(*args, "commit"), branch = get_string(*args, "branch");
    if (action.verb == "note") {
      const std::string deployed = coolify::deployed_commit(*look);
      if (!is_commit(deployed))  // A first deployment must not wait for one before it.
        return Sight::holds(deployed.empty() ? "Coolify has deployed nothing yet"
                                             : "Coolify does not tell which commit it deployed last");
      return Sight::holds("Coolify deployed " + deployed, {{"commit", deployed}});
    }
    if (action.verb == "pause" && get_bool(action.args, "any_commit")) return coolify::paused(*look, "", "");
    if (action.verb == "pause") return coolify::paused(*look, commit, branch);
    if (action.verb == "resume")
      return coolify::resumed(*look, get(*args, "was"), get(*args, "ours").get<std::vector<std::string>>(), branch);
    Sight sight = coolify::serves(*look, coolify::wanted_from(action.args));
    const auto deployments = coolify::deployments_from(get(*look, "deployments"));
    const bool waits =
        std::any_of(deployments.begin(), deployments.end(), [](const auto& each) { return each.open(); });
    // A push begins a deployment: who waits for one does not wait for nothing.
    return action.verb == "stands" && !waits ? driver::final_sight(std::move(sight)) : sight;
  }

 private:
  Result<host::Command> ask(const Json& subject, const std::string& verb, const Json& args) const {
    host::Command made = driver::tool_command(self_, kCoolifyName, verb, args);
    TRY_VOID(driver::reveal(TRY(driver::secret_places(get(subject, "secrets"))), made.env));
    made.timeout = kLookTime;
    return made;
  }
  Result<Json> look(const Json& subject, host::Host& host, std::stop_token stop) const {
    return driver::ask_tool(host, TRY(ask(subject, "look", TRY(coolify_place(subject)))), stop);
  }

  std::string self_;
};

Step coolify_step(const char* id, const char* verb, StepKind kind, Phase phase, std::string title, Json args,
                  const driver::Offering& offering) {
  Step made;
  made.id = StepId(id);
  made.phase = phase;
  made.kind = kind;
  made.title = std::move(title);
  made.hosts = offering.hosts;
  made.action = {kCoolifyName, verb, std::move(args)};
  made.repeatable = made.has_probe = true;
  made.timeout = kLookTime + Millis(30'000);
  made.patience = {20, Millis(1000)};  // a proxy, and Coolify's own status, are behind for a moment
  return made;
}

Result<std::vector<Step>> CoolifyDriver::offer(const driver::Offering& offering) const {
  Json args = offering.subject;
  for (const char* of_the_site : {"keep_versions", "from_whole", "to_commit", "from_commit", "changed_before"})
    args.erase(of_the_site);
  TRY_VOID(coolify_place(args));
  const bool in_front = get_bool(args, "in_front");
  Json as_users = args;  // where and when the door is open
  as_users.erase("in_front");
  if (const std::string url = get_string(args, "serves_public"); !url.empty()) as_users["serves"] = url;
  const bool asks_again = in_front || args.contains("serves_public");
  args.erase("serves_public");
  for (const char* not_of_a_look : {"serves_public", "switch_branch", "path", "remote"}) as_users.erase(not_of_a_look);
  const std::string within_key = "within_ms", to = offering.to.str();
  const Millis within(get_int(args, within_key, 900'000));
  std::string commit = get_string(offering.saved, "commit");
  if (!is_commit(commit)) commit = get_string(offering.subject, "to_commit");
  if (!is_commit(commit)) commit = is_commit(to) ? to : "";
  std::vector<Step> steps;
  if (offering.kind == RunKind::kCheckpoint || offering.kind == RunKind::kDeploy) {
    steps.push_back(coolify_step("note-coolify", "note", StepKind::kLook, Phase::kPrepare, "note what Coolify deployed",
                                 args, offering));
    if (offering.kind == RunKind::kDeploy && is_version(to)) {
      args.erase("in_front");
      args["version"] = as_users["version"] = to;
      if (is_commit(get_string(offering.subject, "to_commit")))
        args["commit"] = as_users["commit"] = offering.subject["to_commit"];
      steps.push_back(coolify_step("coolify-stands", "stands", StepKind::kLook, Phase::kCheck,
                                   "the application that Coolify runs is " + to, args, offering));
      // Whoever pushed does not wait for the deployment; a webhook may take some seconds to begin it.
      steps.back().patience = {static_cast<int>(std::max<int64_t>(within.count() / 4000, 1)), Millis(4000)};
      steps.back().timeout = within + kLookTime;
      if (asks_again && !in_front)
        steps.push_back(coolify_step("public-coolify-stands", "stands", StepKind::kLook, Phase::kSettle,
                                     "in front of the door: the application is " + to, as_users, offering));
    }
    return steps;
  }
  TRY_VOID(check_version(to));
  if (get_bool(args, "switch_branch")) args["branch"] = "rollback/" + to + "-{run}";
  args.erase("switch_branch");
  if (commit.empty())
    return Error{Code::kNotFound, "the commit of " + to + " is not known, and Coolify deploys commits",
                 "say it: backout record " + to + " --commit HASH; or go back to one that Coolify has deployed"};
  std::string from_commit;
  for (const auto& [host, seen] : offering.seen) {
    from_commit = get_string(seen, "head");
    const coolify::Application application = coolify::application_from(get(seen, "application"));
    args["was"] = {{"sha", application.sha}, {"branch", application.branch}};
    if (application.auto_deploy) args["was"]["auto_deploy"] = *application.auto_deploy;
  }
  if (!args.contains("was"))
    return Error{Code::kUnavailable, "the application could not be seen in Coolify", "look there"};
  if (!is_commit(from_commit)) from_commit = get_string(offering.subject, "from_commit");
  args["commit"] = commit;
  if (is_commit(from_commit)) args["from_commit"] = from_commit;
  const std::string shown = commit.substr(0, 12);
  if (offering.kind == RunKind::kRollback) {
    const bool told = get(args, "was").contains("auto_deploy");
    const std::string branch = get_string(args, "branch");
    steps.push_back(coolify_step("pause-coolify", "pause", StepKind::kEffect, Phase::kClose,
                                 fmt::format("{}set it to {}{}, until the cause is resolved",
                                             told ? "Coolify's auto-deploy off, and " : "in Coolify: ", shown,
                                             branch.empty() ? "" : " of " + branch),
                                 args, offering));
    steps.back().undo = Action{kCoolifyName, "resume", args};
  }
  for (const char* of_the_pause : {"was", "branch", "path", "remote"}) args.erase(of_the_pause);
  args["version"] = as_users["version"] = to;
  as_users["commit"] = commit;
  args["old_version"] = offering.from.str();
  if (is_commit(from_commit)) args["old_commit"] = from_commit;
  steps.push_back(coolify_step("deploy-coolify", "deploy", StepKind::kEffect, Phase::kStart,
                               fmt::format("Coolify deploys {} ({})", to, shown), args, offering));
  steps.back().timeout = within + 2 * kLookTime;
  if (is_commit(from_commit) && is_version(offering.from.str())) {
    Json back = args;
    back["commit"] = from_commit;
    back["version"] = offering.from.str();
    back["old_commit"] = commit;
    back["old_version"] = to;
    steps.back().undo = Action{kCoolifyName, "deploy", std::move(back)};
  }
  steps.push_back(coolify_step("coolify-serves", "serves", StepKind::kLook, Phase::kCheck,
                               fmt::format("the application that Coolify runs is {} ({})", to, shown), args, offering));
  if (asks_again)
    steps.push_back(coolify_step("public-coolify-serves", "serves", StepKind::kLook, Phase::kSettle,
                                 fmt::format("the door is open: the application is {} ({})", to, shown), as_users,
                                 offering));
  return steps;
}

Result<Json> CoolifyDriver::observe(const Json& subject, host::Host& host, std::stop_token stop) const {
  const Json seen = TRY(look(subject, host, std::move(stop)));
  const Json& application = get(seen, "application");
  if (get_string(application, "pack") == "dockerimage")
    return Error{Code::kUnsupported,
                 "the application is a Docker image, not built from a repository: it has no commits",
                 "go back by its tag: code: {layout: command, ...}"};
  Json known = {{"name", application["name"]}, {"sha", application["sha"]}, {"branch", application["branch"]}};
  if (application.contains("auto_deploy")) known["auto_deploy"] = application["auto_deploy"];
  Json deployed = Json::array();
  for (const coolify::Deployment& each : coolify::deployments_from(get(seen, "deployments")))
    if (each.finished() && std::find(deployed.begin(), deployed.end(), each.commit) == deployed.end())
      deployed.push_back(each.commit);
  return Json{{"head", coolify::deployed_commit(seen)}, {"application", known}, {"deployed", deployed}};
}

driver::Readiness CoolifyDriver::ready(const driver::Offering& offering, host::Host& host, driver::Depth,
                                       std::stop_token stop) const {
  driver::Readiness readiness;
  const auto say = [&](const char* id, Severity severity, std::string what, std::string next) {
    readiness.findings.push_back({id, severity, "", "", std::move(what), std::move(next), Json::object()});
  };
  const auto place = coolify_place(offering.subject);
  const auto question = place ? ask(offering.subject, "may", *place) : Result<host::Command>(place.error());
  const auto may = question ? driver::ask_tool(host, *question, stop) : Result<Json>(question.error());
  if (!may) {
    say("coolify.token", Severity::kRed, one_line(may.error().message), one_line(may.error().next));
  } else if (const Json& missing = get(*may, "missing"); missing.is_array() && !missing.empty()) {
    say("coolify.token", Severity::kRed,
        "Coolify's token may not " + join(missing.get<std::vector<std::string>>(), " and not "),
        "give it read, write and deploy, under Keys & Tokens");
  } else {
    say("coolify.token", Severity::kOk, "Coolify's token may read, write and deploy", "");
  }
  const auto seen = offering.seen.find(host.name().str());
  if (seen == offering.seen.end()) return readiness;
  const Json& application = get(seen->second, "application");
  if (!application.contains("auto_deploy"))
    say("self-deploy", Severity::kWarning, "this Coolify does not tell whether auto-deploy is on",
        "turn it off in the application's Advanced settings before a rollback, or update Coolify");
  else if (get_bool(application, "auto_deploy"))
    say("self-deploy", Severity::kOk,
        "auto-deploy of " + one_line(get_string(application, "name")) +
            " is on: a push is deployed at once; a rollback turns it off, and backout resolve on again",
        "");
  const auto look = this->look(offering.subject, host, std::move(stop));
  std::string commit = get_string(offering.saved, "commit");
  if (!is_commit(commit)) commit = get_string(offering.subject, "to_commit");
  const Json& deployed = get(seen->second, "deployed");
  if (is_commit(commit) && std::find(deployed.begin(), deployed.end(), Json(commit)) == deployed.end())
    say("coolify.target", Severity::kWarning,
        commit.substr(0, 12) + " is not among the last deployments of Coolify: it will be built anew", "");
  if (!look) return readiness;
  if (const Json& served = get(*look, "serves"); get(served, "reported").empty())
    say("coolify.serves", Severity::kRed,
        "what the application serves cannot be seen: " + (get_string(served, "error").empty()
                                                              ? "its answer reports no version and no commit"
                                                              : one_line(get_string(served, "error"))),
        "make it report its version at code.coolify.serves: Coolify gives it SOURCE_COMMIT");
  return readiness;
}

}  // namespace

std::unique_ptr<driver::Driver> make_coolify_driver(const std::string& self) {
  return std::make_unique<CoolifyDriver>(self);
}

}  // namespace backout::drivers
