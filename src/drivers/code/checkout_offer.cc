#include "drivers/code/checkout_offer.h"

#include "base/text.h"
#include "drivers/code/build.h"
#include "drivers/code/compared.h"
#include "drivers/code/kept_builds.h"
#include "drivers/code/saved_config.h"
#include "drivers/code/static_files.h"
#include "drivers/code/version.h"
#include "drivers/command/arguments.h"

namespace backout::drivers::checkout {
namespace {

Step step(std::string id, const char* verb, StepKind kind, Phase phase, std::string title, Json args,
          const driver::Offering& offering) {
  Step made;
  made.id = StepId(std::move(id));
  made.phase = phase;
  made.kind = kind;
  made.title = std::move(title);
  made.hosts = offering.hosts;
  made.action = {kName, verb, std::move(args)};
  made.repeatable = true;
  made.has_probe = true;
  return made;
}

/// Branch and commit on each host as found.
Result<Json> found(const driver::Offering& offering) {
  Json was = Json::object();
  for (const std::string& host : offering.hosts) {
    const auto seen = offering.seen.find(host);
    if (seen == offering.seen.end() || !is_commit(get_string(seen->second, "head")))
      return Error{Code::kUnavailable, "the checkout on " + host + " could not be seen", "look there: backout doctor"};
    was[host] = {{"head", get_string(seen->second, "head")}, {"branch", get_string(seen->second, "branch")}};
  }
  return was;
}

/// What at-commit and the words about changes by hand leave out.
void add_not_compared(const Json& subject, Json& args) {
  for (const char* key : {"config", "ignore"})
    if (get(subject, key).is_array()) args[key] = get(subject, key);
}

Step commit_look(const driver::Offering& offering, const std::string& path, const std::string& user, bool builds) {
  Json args = {{"path", path}, {"version", offering.to.str()}, {"user", user}, {"built", builds}};
  add_not_compared(offering.subject, args);
  // What differed while a good release served is written by the build: at the checkpoint that brings it back, at the
  // newest one, or by a deploy at its own.
  Json known = get(offering.saved, "changed");
  if (!known.is_array()) known = get(offering.subject, "changed_before");
  if (known.is_array()) args["known"] = std::move(known);
  if (offering.kind == RunKind::kDeploy) args["noted"] = {{"evidence_of", "note-code"}};
  return step("at-commit", "at-commit", StepKind::kLook, Phase::kCheck, "the checkout is at " + offering.to.str(),
              std::move(args), offering);
}

}  // namespace

std::string rollback_branch(const std::string& version) { return "backout/rollback-" + version; }

Result<std::vector<Step>> offer(const driver::Offering& offering) {
  const Json& subject = offering.subject;
  const std::string path = TRY(path_argument(subject, "path"));
  const std::string user = TRY(optional_text_argument(subject, "user"));
  std::vector<Step> steps;
  if (offering.kind == RunKind::kDeploy || offering.kind == RunKind::kCheckpoint) {
    steps = TRY(config_steps_for_checkpoint(kName, offering));
    for (Step& each : TRY(build_steps_for_checkpoint(kName, offering))) steps.push_back(std::move(each));
    for (Step& each : TRY(record_steps(kName, offering))) steps.push_back(std::move(each));
    steps.push_back(step("note-code", "note", StepKind::kLook, Phase::kPrepare, "note what runs",
                         {{"path", path}, {"user", user}}, offering));
    if (offering.kind == RunKind::kCheckpoint) return steps;
  }

  const std::string to = offering.to.str();
  TRY_VOID(check_version(to));
  const Build build = TRY(build_of(get(subject, "build"), user));
  if (offering.kind == RunKind::kDeploy) {
    steps.push_back(commit_look(offering, path, user, !build.empty()));
    for (Step& each : TRY(static_looks(kName, offering, path))) steps.push_back(std::move(each));
    for (Step& each : TRY(running_steps(kName, offering, false))) steps.push_back(std::move(each));
    return steps;
  }
  const std::string git = TRY(optional_text_argument(subject, "git"));
  if (!git.empty()) TRY_VOID(check_git_source(git));
  Json was = TRY(found(offering));
  const Json place = {{"path", path}, {"version", to}, {"user", user}};
  const std::string ref = "refs/backout/dirty-{run}";

  Json tag = place;
  tag["git"] = git;
  if (const std::string commit = get_string(offering.saved, "commit"); is_commit(commit)) tag["commit"] = commit;
  steps.push_back(step("fetch-tag", "fetch-tag", StepKind::kEffect, Phase::kPrepare, "tag " + to, tag, offering));
  steps.back().timeout = Millis(600'000);

  BuildSteps builds = TRY(build_steps_for_switch(kName, offering));
  const std::vector<std::string> directories = TRY(build_directories(subject));
  Json keep = place;
  keep["ref"] = ref;
  add_not_compared(subject, keep);
  if (get(offering.saved, "changed").is_array()) keep["known"] = get(offering.saved, "changed");
  if (!directories.empty()) keep["dirs"] = directories;
  steps.push_back(step("keep-dirty", "keep-dirty", StepKind::kEffect, Phase::kPrepare,
                       "keep what was changed by hand as a commit", keep, offering));
  steps.back().needs = {StepId("fetch-tag")};

  std::vector<StepId> before_checkout;
  for (Step& each : builds.before) {
    if (each.phase == Phase::kSwitch) before_checkout.push_back(each.id);
    steps.push_back(std::move(each));
  }
  const std::vector<Step> config = TRY(config_steps_for_switch(kName, offering));
  const Millis time{300'000};
  Json at = place;
  add_not_compared(subject, at);
  steps.push_back(step("checkout", "checkout", StepKind::kEffect, Phase::kSwitch, "check out " + rollback_branch(to),
                       std::move(at), offering));
  steps.back().timeout = time + build.timeout;  // its undo builds, but where what was built is put back as it was
  steps.back().needs = before_checkout;
  Json back = keep;
  back["was"] = std::move(was);
  if (!build.empty() && directories.empty()) back["build"] = get(subject, "build");
  steps.back().undo = Action{kName, "return", std::move(back)};

  std::vector<StepId> before_build = {StepId("checkout")};
  for (Step each : config) {
    if (each.phase == Phase::kSwitch) {  // a configuration file may lie inside the checkout
      each.needs.push_back(StepId("checkout"));
      before_build.push_back(each.id);
    }
    steps.push_back(std::move(each));
  }
  for (Step& each : builds.after) steps.push_back(std::move(each));
  std::vector<std::string> to_build;
  for (const std::string& host : offering.hosts)
    if (std::find(builds.hosts_built.begin(), builds.hosts_built.end(), host) == builds.hosts_built.end())
      to_build.push_back(host);
  const bool builds_anew = !build.empty() && !to_build.empty();
  if (builds_anew) {
    Json args = place;
    args["build"] = get(subject, "build");
    steps.push_back(
        step("build-code", "build", StepKind::kEffect, Phase::kSwitch,
             fmt::format("build {} in place ({})", to, counted(static_cast<int64_t>(build.lines.size()), "command")),
             std::move(args), offering));
    steps.back().hosts = std::move(to_build);
    steps.back().undo = Action{kName, "unbuild", place};
    steps.back().needs = std::move(before_build);
    steps.back().timeout = build.timeout;
  }

  StaticSteps assets = TRY(static_steps_for_switch(kName, offering, path, path, false));
  std::vector<StepId> all_there;
  for (const Step& each : steps)
    if (each.phase == Phase::kSwitch) all_there.push_back(each.id);
  for (Step& each : assets.prepare) steps.push_back(std::move(each));
  for (Step& each : assets.cutover) {
    each.needs = all_there;
    steps.push_back(std::move(each));
  }
  for (Step& each : assets.after) steps.push_back(std::move(each));
  steps.push_back(commit_look(offering, path, user, builds_anew));
  for (Step& each : TRY(running_steps(kName, offering, !builds_anew))) steps.push_back(std::move(each));
  return steps;
}

}  // namespace backout::drivers::checkout
