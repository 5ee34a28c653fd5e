#include "drivers/code/coolify_tool.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "driver/secrets.h"
#include "drivers/code/coolify_api.h"
#include "drivers/code/coolify_judge.h"
#include "os/file.h"
#include "os/process.h"

namespace backout::drivers {
namespace {

using coolify::Api;
using coolify::Deployment;
using driver::Progress;

constexpr Millis kMostSilence{30'000};  // of a Coolify that is asked how a deployment goes
constexpr Millis kServesTimeout{5'000};
constexpr Millis kRemoteTimeout{30'000};

Result<Api> coolify_api_of(const Json& args) {
  std::map<std::string, std::string> token;
  TRY_VOID(driver::reveal({{"token", "$COOLIFY_TOKEN"}}, token));
  return Api(get_string(args, "url"), get_string(args, "application"), std::string(trimmed(token["token"])));
}

Json look_at_what_serves(const std::string& url) {
  const auto answer = os::http({.url = url, .timeout = kServesTimeout, .body_limit = 64U << 10});
  if (!answer) return {{"error", one_line(url + ": " + answer.error().message)}};
  const auto header = answer->headers.find("x-version");
  return {{"status", answer->status},
          {"reported",
           coolify::reported_in(answer->body, header == answer->headers.end() ? std::string() : header->second)}};
}

Result<Json> coolify_look(const Json& args, const Progress&) {
  const Api api = TRY(coolify_api_of(args));
  const coolify::Application application = TRY(api.application());
  Json deployments = Json::array();
  for (const Deployment& each : TRY(api.deployments())) deployments.push_back(to_json(each));
  Json look = {{"application", to_json(application)}, {"deployments", std::move(deployments)}, {"image", api.image()}};
  if (const std::string url = get_string(args, "serves"); !url.empty()) look["serves"] = look_at_what_serves(url);
  return look;
}

Result<Json> coolify_may(const Json& args, const Progress&) {
  const Api api = TRY(coolify_api_of(args));
  const auto missing = TRY(api.missing_abilities());
  return Json{{"missing", missing}};
}

Result<Json> coolify_pause(const Json& args, const Progress& progress) {
  const Api api = TRY(coolify_api_of(args));
  Json fields = {{"git_commit_sha", get_string(args, "commit")}};
  if (get(args, "was").contains("auto_deploy")) fields["is_auto_deploy_enabled"] = false;
  if (const std::string branch = get_string(args, "branch"); !branch.empty()) fields["git_branch"] = branch;
  progress("set: " + fields.dump());
  TRY_VOID(api.change(fields));
  return Json{{"paused", get(args, "was")}};
}

/// Where the clone at `path` gets its branches from; empty when it does not say. Only this is read of its settings:
/// they are somebody else's, and git would run what they name (helpers, transports) as the user of backout.
std::string remote_of(const std::string& path, const std::string& remote) {
  for (const char* config : {"/.git/config", "/config"}) {
    if (!os::exists(path + config)) continue;
    const auto said = os::run_process({.argv = {"git", "-C", "/", "config", "--file", path + config, "--no-includes",
                                                "--get", "remote." + remote + ".url"},
                                       .timeout = kRemoteTimeout});
    const std::string url = said && said->ok() ? std::string(trimmed(said->out)) : "";
    return url.starts_with("./") || url.starts_with("../") ? path + "/" + url : url;
  }
  return "";
}

/// Whether what would be deployed by itself is the release that was rolled back: where the branch points now is asked
/// at its remote. Without a clone that is not known, and said.
Result<void> may_deploy_by_itself(const Json& args, const std::string& sha, const std::string& branch,
                                  const Progress& progress) {
  const std::string bad = get_string(args, "bad"), path = get_string(args, "path");
  const char* what_to_do =
      "push the fix or a revert there first, or turn it on in Coolify yourself; then again: backout resolve";
  if (bad.empty()) return {};
  if (coolify::same_commit(sha, bad))
    return Error{Code::kRefused, "it would be set to " + bad + " again, which was rolled back", what_to_do};
  if (sha != "HEAD") return {};
  if (path.empty()) {
    progress("where " + branch + " points was not looked at: code.path names no clone");
    return {};
  }
  const std::string url = remote_of(path, get_string(args, "remote", "origin"));
  const auto asked = url.empty()
                         ? Result<os::ProcessResult>(Error{Code::kNotFound, path + " names no such remote", ""})
                         : os::run_process({.argv = {"git", "-C", "/", "-c", "protocol.ext.allow=never", "ls-remote",
                                                     "--exit-code", "--", "asked", "refs/heads/" + branch},
                                            .env = {{"GIT_TERMINAL_PROMPT", "0"},
                                                    {"GIT_SSH_COMMAND", "ssh -oBatchMode=yes"},
                                                    {"GIT_CONFIG_COUNT", "1"},
                                                    {"GIT_CONFIG_KEY_0", "remote.asked.url"},
                                                    {"GIT_CONFIG_VALUE_0", url}},
                                            .timeout = kRemoteTimeout});
  if (!asked || !asked->ok())
    return Error{Code::kUnavailable,
                 fmt::format("where {} points cannot be seen, and it may be the release that was rolled back: {}",
                             branch, one_line(asked ? asked->why_not_ok() + " " + asked->err : asked.error().message)),
                 what_to_do};
  const std::string head = asked->out.substr(0, asked->out.find_first_of(" \t\n"));
  if (coolify::same_commit(head, bad))
    return Error{Code::kRefused,
                 fmt::format("{} still points at {}, which was rolled back: auto-deploy would bring it back", branch,
                             head.substr(0, 12)),
                 what_to_do};
  return {};
}

/// Auto-deploy comes last, once the rest is seen to be as it was.
Result<Json> coolify_resume(const Json& args, const Progress& progress) {
  const Api api = TRY(coolify_api_of(args));
  const coolify::Application now = TRY(api.application());
  const Json &was = get(args, "was"), &ours = get(args, "ours");
  Json fields = Json::object();
  const std::string sha = get_string(was, "sha"), branch = get_string(args, "branch");
  if (now.sha != sha && std::any_of(ours.begin(), ours.end(), [&](const Json& each) { return each == now.sha; }))
    fields["git_commit_sha"] = sha;
  if (!branch.empty() && now.branch == branch) fields["git_branch"] = get_string(was, "branch");
  const bool turns = was.contains("auto_deploy") && now.auto_deploy != get_bool(was, "auto_deploy");
  if (get_bool(args, "resolved") && get_bool(was, "auto_deploy", true))
    TRY_VOID(may_deploy_by_itself(args, get_string(fields, "git_commit_sha", now.sha),
                                  get_string(fields, "git_branch", now.branch), progress));
  if (!fields.empty()) {
    progress("set: " + fields.dump());
    TRY_VOID(api.change(fields));
    const coolify::Application set = TRY(api.application());
    if (set.sha != get_string(fields, "git_commit_sha", set.sha) ||
        set.branch != get_string(fields, "git_branch", set.branch))
      return Error{Code::kConflict, fmt::format("Coolify took it, and is set to {} of {}", set.sha, set.branch),
                   "look at the application there"};
  }
  if (turns) {
    const Json last = {{"is_auto_deploy_enabled", get_bool(was, "auto_deploy")}};
    progress("set: " + last.dump());
    TRY_VOID(api.change(last));
  }
  return Json{{"resumed", was}};
}

/// One deployment, from its beginning to its end.
class Following {
 public:
  Following(const Api& api, const Json& args, const Progress& progress)
      : api_(api),
        progress_(progress),
        commit_(get_string(args, "commit")),
        poll_(get_int(args, "poll_ms", 1000)),
        within_(get_int(args, "within_ms", 900'000)),
        end_(system_clock().boot() + within_) {}

  Result<Json> begin_and_follow(const std::vector<Deployment>& before) {
    std::set<std::string> known;
    for (const Deployment& each : before) {
      known.insert(each.uuid);
      if (!each.open()) continue;
      if (coolify::same_commit(each.commit, commit_)) return follow(each.uuid, known);
      progress_(fmt::format("deployment {} of {} by {} is before it", each.uuid, each.commit, each.by));
    }
    auto begun = api_.deploy();
    while (!begun && begun.error().code == Code::kBusy && system_clock().boot() < end_) {
      progress_(begun.error().message);
      system_clock().wait(std::max(poll_, Millis(1000)), {});
      begun = api_.deploy();
    }
    if (!begun) {  // an answer that was lost may have begun one all the same
      const auto newest = newest_of_ours(known);
      if (!newest || newest->empty()) return begun.error();
      return follow(*newest, known);
    }
    progress_(begun->message);
    return follow(begun->uuid, known);
  }

 private:
  /// One of the commit that was not there before, or is still open. Empty: none.
  Result<std::string> newest_of_ours(const std::set<std::string>& known) const {
    for (const Deployment& each : TRY(api_.deployments()))
      if (coolify::same_commit(each.commit, commit_) && (each.open() || !known.contains(each.uuid))) return each.uuid;
    return std::string();
  }

  Result<Json> follow(std::string uuid, const std::set<std::string>& known) {
    std::string told;
    BootTime answered = system_clock().boot();
    while (true) {
      auto seen = api_.deployment(uuid);
      if (!seen && seen.error().code == Code::kNotFound)  // "already queued": under another id than was answered
        if (const auto other = newest_of_ours(known); other && !other->empty() && *other != uuid) {
          uuid = *other;
          continue;
        }
      const BootTime now = system_clock().boot();
      if (seen) {
        answered = now;
        if (seen->status != told) progress_(fmt::format("deployment {}: {}", uuid, seen->status));
        told = seen->status;
        if (!seen->open()) return ended(*seen);
      } else if (seen.error().code == Code::kDenied || now - answered > std::min(kMostSilence, within_)) {
        return seen.error();
      }
      if (now >= end_) return gives_up(uuid);
      system_clock().wait(poll_, {});
    }
  }

  Result<Json> ended(const Deployment& deployment) const {
    if (deployment.finished()) {
      if (coolify::same_commit(deployment.commit, commit_))
        return Json{{"deployment", deployment.uuid}, {"commit", deployment.commit}};
      return Error{
          Code::kConflict,
          fmt::format("deployment {} finished with {}, not with {}", deployment.uuid, deployment.commit, commit_),
          "look at the application's commit in Coolify"};
    }
    if (deployment.status == "cancelled-by-user")
      return Error{Code::kCancelled, fmt::format("deployment {} was cancelled by somebody in Coolify", deployment.uuid),
                   "ask who; then again: backout resume"};
    return Error{Code::kInternal,
                 fmt::format("deployment {} of {} ended as {}", deployment.uuid, commit_, deployment.status),
                 "read its log in Coolify, under the application's Deployments"};
  }

  /// Left alone it might end when the site has been put back, and bring its commit after all.
  Result<Json> gives_up(const std::string& uuid) const {
    const auto cancelled = api_.cancel(uuid);
    return Error{
        Code::kTimedOut,
        fmt::format("deployment {} did not end within {}; {}", uuid, for_people(within_),
                    cancelled ? "it was cancelled" : "it could not be cancelled: " + cancelled.error().message),
        "look at it in Coolify; code.coolify.within says how long it may take"};
  }

  const Api& api_;
  const Progress& progress_;
  std::string commit_;
  Millis poll_, within_;
  BootTime end_;
};

Result<Json> coolify_deploy(const Json& args, const Progress& progress) {
  const Api api = TRY(coolify_api_of(args));
  const std::string commit = get_string(args, "commit");
  const Json look = TRY(coolify_look(args, progress));
  if (get_string(get(look, "application"), "sha") != commit) TRY_VOID(api.change({{"git_commit_sha", commit}}));
  if (coolify::serves(look, coolify::wanted_from(args)).kind == SightKind::kHolds)
    return Json{{"commit", commit}, {"already", true}};
  return Following(api, args, progress).begin_and_follow(coolify::deployments_from(get(look, "deployments")));
}

Result<Json> run_coolify_verb(const std::string& verb, const Json& args, const Progress& progress) {
  static constexpr driver::ToolVerb kVerbs[] = {{"look", coolify_look},
                                                {"may", coolify_may},
                                                {"pause", coolify_pause},
                                                {"resume", coolify_resume},
                                                {"deploy", coolify_deploy}};
  for (const driver::ToolVerb& each : kVerbs)
    if (each.name == verb) return each.run(args, progress);
  return Error{Code::kInvalid, "coolify: there is no verb '" + one_line(verb) + "'", ""};
}

}  // namespace

int run_coolify_tool(const std::vector<std::string>& args, std::istream& in, std::ostream& out, std::ostream& err) {
  return driver::run_tool(args, in, out, err, &run_coolify_verb);
}

}  // namespace backout::drivers
