#include "drivers/code/coolify_judge.h"

#include <algorithm>

#include "base/text.h"
#include "driver/final_sight.h"

namespace backout::drivers::coolify {
namespace {

std::string shown(const std::string& commit) { return commit.size() == 40 ? commit.substr(0, 12) : commit; }

bool is_wanted(const std::string& reported, const Wanted& wanted) {
  return reported == wanted.version || same_commit(reported, wanted.commit);
}

bool is_served(const Json& served, const Wanted& wanted) {
  const Json& reported = get(served, "reported");
  return get_int(served, "status") == 200 && std::any_of(reported.begin(), reported.end(), [&](const Json& each) {
           return each.is_string() && !each.get<std::string>().empty() && is_wanted(each.get<std::string>(), wanted);
         });
}

/// Empty: by Coolify's own word the commit runs.
Sight by_its_list(const Json& look, const Wanted& wanted, Json evidence) {
  std::string failed;
  for (const Deployment& each : deployments_from(get(look, "deployments"))) {
    if (each.open())
      return Sight::does_not_hold(fmt::format("deployment {} of {} by {} is {}", each.uuid, shown(each.commit), each.by,
                                              replaced(each.status, "_", " ")),
                                  evidence);
    if (each.finished()) {
      evidence["deployment"] = each.uuid;
      evidence["commit"] = each.commit;
      if (wanted.commit.empty() || same_commit(each.commit, wanted.commit)) break;
      if (!failed.empty()) return driver::final_sight(Sight::does_not_hold(failed, evidence));
      return Sight::does_not_hold(fmt::format("what Coolify deployed last is {} by {} ({}), not {}", shown(each.commit),
                                              each.by, each.uuid, shown(wanted.commit)),
                                  evidence);
    }
    // One that failed changes nothing, but whoever waits for this very commit waits in vain.
    if (failed.empty() && !wanted.commit.empty() && same_commit(each.commit, wanted.commit))
      failed = fmt::format("deployment {} of {}: {}", each.uuid, shown(each.commit), each.status);
  }
  if (!evidence.contains("deployment"))
    return Sight::does_not_hold("Coolify has no finished deployment of the application", evidence);
  return Sight::holds("", evidence);
}

}  // namespace

Wanted wanted_from(const Json& args) {
  return {get_string(args, "version"), get_string(args, "commit"), get_bool(args, "in_front"),
          get_string(args, "old_version"), get_string(args, "old_commit")};
}

std::string deployed_commit(const Json& look) {
  for (const Deployment& each : deployments_from(get(look, "deployments")))
    if (each.finished()) return each.commit;
  return "";
}

Sight serves(const Json& look, const Wanted& wanted) {
  const Application application = application_from(get(look, "application"));
  const Json& served = get(look, "serves");
  Json evidence = {{"status", application.status}};
  Sight list = by_its_list(look, wanted, evidence);
  if (list.kind != SightKind::kHolds) return list;
  evidence = list.evidence;
  if (!application.status.starts_with("running") || application.status.ends_with(":unhealthy"))
    return Sight::does_not_hold("Coolify says that the application is " + application.status, evidence);
  if (const std::string image = get_string(look, "image");
      !image.empty() && !wanted.commit.empty() && !same_commit(image, wanted.commit))
    return Sight::does_not_hold(
        fmt::format("the container that runs is of image {}, not of {}", shown(image), shown(wanted.commit)), evidence);
  if (wanted.in_front && !is_served(served, wanted) && !is_served(served, {wanted.old_version, wanted.old_commit}))
    return Sight::holds(
        fmt::format("Coolify deployed {} as {}, {}; the application is asked when the door is open",
                    shown(get_string(evidence, "commit")), get_string(evidence, "deployment"), application.status),
        evidence);
  if (const std::string error = get_string(served, "error"); !error.empty())
    return Sight::does_not_hold("the application does not answer: " + error, evidence);
  if (const int64_t status = get_int(served, "status"); status != 200)
    return Sight::does_not_hold(fmt::format("the application answers {}", status), evidence);
  const Json& reported = get(served, "reported");
  std::vector<std::string> words;
  for (const Json& each : reported)
    if (each.is_string()) words.push_back(each.get<std::string>());
  if (words.empty()) return Sight::does_not_hold("the application's answer reports no version and no commit", evidence);
  evidence["version"] = words.front();
  const bool right =
      std::any_of(words.begin(), words.end(), [&](const std::string& each) { return is_wanted(each, wanted); });
  if (!right)
    return Sight::does_not_hold(
        fmt::format("the application reports {}, not {}{}; Coolify says that {} is deployed", shown(words.front()),
                    wanted.version, wanted.commit.empty() ? "" : " (" + shown(wanted.commit) + ")",
                    shown(get_string(evidence, "commit"))),
        evidence);
  return Sight::holds(
      fmt::format("the application reports {}; Coolify deployed {} as {}, {}", shown(words.front()),
                  shown(get_string(evidence, "commit")), get_string(evidence, "deployment"), application.status),
      evidence);
}

Sight paused(const Json& look, const std::string& commit, const std::string& branch) {
  const Application application = application_from(get(look, "application"));
  const Json evidence = to_json(application);
  if (application.auto_deploy.value_or(false))
    return Sight::does_not_hold("auto-deploy of " + application.name + " is on: the next push is deployed", evidence);
  if (commit.empty()) {
    const std::string words = "auto-deploy of " + application.name;
    return application.auto_deploy ? Sight::holds(words + " is off", evidence)
                                   : Sight::cannot_tell("whether " + words + " is off this Coolify does not tell");
  }
  if (!same_commit(application.sha, commit))
    return Sight::does_not_hold(
        fmt::format("{} is set to commit {}, not to {}", application.name, shown(application.sha), shown(commit)),
        evidence);
  if (!branch.empty() && application.branch != branch)
    return Sight::does_not_hold(
        fmt::format("{} is deployed from branch {}, not from {}", application.name, application.branch, branch),
        evidence);
  if (!application.auto_deploy)
    return Sight::holds(fmt::format("{} is set to {}; whether auto-deploy is off this Coolify does not tell",
                                    application.name, shown(commit)),
                        evidence);
  return Sight::holds(fmt::format("auto-deploy of {} is off, and it is set to {}", application.name, shown(commit)),
                      evidence);
}

Sight resumed(const Json& look, const Json& was, const std::vector<std::string>& ours, const std::string& branch) {
  const Application application = application_from(get(look, "application"));
  const Json evidence = to_json(application);
  const bool on = get_bool(was, "auto_deploy");
  if (was.contains("auto_deploy") && application.auto_deploy && *application.auto_deploy != on)
    return Sight::does_not_hold(fmt::format("auto-deploy of {} is {}", application.name, on ? "still off" : "on"),
                                evidence);
  const std::string sha = get_string(was, "sha");
  if (application.sha != sha &&
      std::any_of(ours.begin(), ours.end(), [&](const std::string& each) { return application.sha == each; }))
    return Sight::does_not_hold(fmt::format("{} is still set to {}", application.name, shown(application.sha)),
                                evidence);
  if (!branch.empty() && application.branch == branch && get_string(was, "branch") != branch)
    return Sight::does_not_hold(application.name + " is still deployed from " + branch, evidence);
  return Sight::holds(fmt::format("auto-deploy of {} is {}, and it is set to {} of {}", application.name,
                                  !application.auto_deploy ? "as this Coolify does not tell"
                                                           : (*application.auto_deploy ? "on" : "off"),
                                  shown(application.sha), application.branch),
                      evidence);
}

}  // namespace backout::drivers::coolify
