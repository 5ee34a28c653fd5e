#include "drivers/code/releases_offer.h"

#include "base/text.h"
#include "drivers/code/build.h"
#include "drivers/code/compared.h"
#include "drivers/code/saved_config.h"
#include "drivers/code/static_files.h"
#include "drivers/code/version.h"
#include "drivers/command/arguments.h"

namespace backout::drivers::releases {
namespace {

constexpr Millis kFetchTime{600'000};

/// Which hosts need what for the target version to be there.
struct Sorted {
  std::vector<std::string> missing, unbuilt, present;
};

Result<const Json*> seen_on(const driver::Offering& offering, const std::string& host) {
  const auto found = offering.seen.find(host);
  if (found == offering.seen.end())
    return Error{Code::kUnavailable, "the releases on " + host + " could not be seen", "look there: backout doctor"};
  return &found->second;
}

Result<Sorted> sorted(const driver::Offering& offering, bool builds) {
  Sorted hosts;
  for (const std::string& host : offering.hosts) {
    const Json* seen = TRY(seen_on(offering, host));
    const Json* release = nullptr;
    for (const Json& each : get(*seen, "releases"))
      if (get_string(each, "version") == offering.to.str()) release = &each;
    if (release == nullptr) {
      hosts.missing.push_back(host);
    } else if (builds && get_bool(*release, "ours") && !get_bool(*release, "built")) {
      hosts.unbuilt.push_back(host);
    } else {
      hosts.present.push_back(host);
    }
  }
  return hosts;
}

Step step(std::string id, const char* verb, StepKind kind, Phase phase, std::string title,
          std::vector<std::string> hosts, Json args) {
  Step made;
  made.id = StepId(std::move(id));
  made.phase = phase;
  made.kind = kind;
  made.title = std::move(title);
  made.hosts = std::move(hosts);
  made.action = {kName, verb, std::move(args)};
  made.repeatable = true;
  made.has_probe = true;
  return made;
}

Result<std::vector<Step>> for_checkpoint(const driver::Offering& offering, const std::string& path,
                                         const std::string& user) {
  std::vector<Step> steps = TRY(config_steps_for_checkpoint(kName, offering));
  for (Step& each : TRY(record_steps(kName, offering))) steps.push_back(std::move(each));
  steps.push_back(step("note-code", "note", StepKind::kLook, Phase::kPrepare, "note what runs", offering.hosts,
                       {{"path", path}, {"user", user}}));
  return steps;
}

/// Fetch and build where the target is not there yet; look at it where it is.
Result<void> bring_target(const driver::Offering& offering, const std::string& path, const std::string& user,
                          std::vector<Step>& steps) {
  const std::string git = TRY(optional_text_argument(offering.subject, "git"));
  const Build build = TRY(build_of(get(offering.subject, "build"), user));
  const std::string to = offering.to.str();
  const Sorted hosts = TRY(sorted(offering, !build.empty()));
  Json place = {{"path", path}, {"version", to}, {"user", user}};
  const std::string commit = get_string(offering.saved, "commit");
  if (is_commit(commit)) place["commit"] = commit;

  if (!hosts.missing.empty()) {
    if (git.empty())
      return Error{Code::kNotFound, fmt::format("{}/releases/{} is gone on {}", path, to, join(hosts.missing, ", ")),
                   "put the directory back, or name a source that has the tag: code.source.git in backout.yaml"};
    TRY_VOID(check_git_source(git));
    Json source = place;
    source["git"] = git;
    steps.push_back(step("target-code", "target", StepKind::kLook, Phase::kPrepare,
                         "tag " + to + " is in " + one_line(git), hosts.missing, source));
    steps.push_back(step("fetch-code", "fetch", StepKind::kEffect, Phase::kPrepare,
                         "code " + to + " from " + one_line(git), hosts.missing, source));
    steps.back().needs = {StepId("target-code")};
    steps.back().timeout = kFetchTime;
  }
  std::vector<std::string> to_build = hosts.unbuilt;
  if (!build.empty()) to_build.insert(to_build.end(), hosts.missing.begin(), hosts.missing.end());
  if (!to_build.empty()) {
    Json args = place;
    args["build"] = get(offering.subject, "build");
    steps.push_back(step("build-code", "build", StepKind::kEffect, Phase::kPrepare,
                         fmt::format("build {} ({})", to, counted(static_cast<int64_t>(build.lines.size()), "command")),
                         to_build, args));
    steps.back().undo = Action{kName, "unbuild", std::move(args)};
    if (!hosts.missing.empty()) steps.back().needs = {StepId("fetch-code")};
    steps.back().timeout = build.timeout;
  }
  if (get(offering.subject, "ignore").is_array()) place["ignore"] = get(offering.subject, "ignore");
  if (get(offering.saved, "files").is_object()) place["files"] = get(offering.saved, "files");
  if (!hosts.present.empty())
    steps.push_back(step("present-code", "present", StepKind::kLook, Phase::kPrepare,
                         "releases/" + to + " is there and whole", hosts.present, place));
  return {};
}

Result<Step> switching(const driver::Offering& offering, const std::string& path) {
  const std::string target = "releases/" + offering.to.str();
  Step made = step("switch-code", "switch", StepKind::kEffect, Phase::kSwitch, "current -> " + target, offering.hosts,
                   {{"path", path}, {"version", offering.to.str()}});
  Json found = Json::object();  // hosts may differ: a deploy that failed half-way
  for (const std::string& host : offering.hosts)
    found[host] = get_string(*TRY(seen_on(offering, host)), "current_target");
  made.undo = Action{kName, "switch-back", {{"path", path}, {"targets", std::move(found)}}};
  return made;
}

Step current_look(const driver::Offering& offering, const std::string& path) {
  Json args = {{"path", path}, {"version", offering.to.str()}};
  if (get(offering.subject, "ignore").is_array()) args["ignore"] = get(offering.subject, "ignore");
  return step("current-code", "current", StepKind::kLook, Phase::kCheck, "current is " + offering.to.str(),
              offering.hosts, std::move(args));
}

}  // namespace

Result<std::vector<Step>> offer(const driver::Offering& offering) {
  const std::string path = TRY(path_argument(offering.subject, "path"));
  const std::string user = TRY(optional_text_argument(offering.subject, "user"));
  if (offering.kind == RunKind::kCheckpoint) return for_checkpoint(offering, path, user);
  TRY_VOID(check_version(offering.to.str()));
  if (offering.kind == RunKind::kDeploy) {
    std::vector<Step> steps = TRY(for_checkpoint(offering, path, user));
    steps.push_back(current_look(offering, path));
    for (Step& each : TRY(static_looks(kName, offering, path + "/releases/" + offering.to.str())))
      steps.push_back(std::move(each));
    for (Step& each : TRY(running_steps(kName, offering, false))) steps.push_back(std::move(each));
    return steps;
  }
  if (!offering.from.empty()) TRY_VOID(check_version(offering.from.str()));
  std::vector<Step> steps;
  TRY_VOID(bring_target(offering, path, user, steps));
  std::vector<StepId> there;
  for (const Step& each : steps) there.push_back(each.id);
  const std::string leaving = offering.from.empty() ? "" : path + "/releases/" + offering.from.str();
  StaticSteps assets =
      TRY(static_steps_for_switch(kName, offering, path + "/releases/" + offering.to.str(), leaving, true));
  for (Step& each : assets.prepare) {
    each.needs = there;
    steps.push_back(std::move(each));
  }
  for (Step& each : TRY(config_steps_for_switch(kName, offering))) steps.push_back(std::move(each));
  Step switches = TRY(switching(offering, path));
  for (Step& each : assets.cutover) {  // a page of the target finds its files from the first moment
    switches.needs.push_back(each.id);
    steps.push_back(std::move(each));
  }
  steps.push_back(std::move(switches));
  steps.push_back(current_look(offering, path));
  for (Step& each : assets.after) steps.push_back(std::move(each));
  const bool fetched =
      std::any_of(steps.begin(), steps.end(), [](const Step& each) { return each.action.verb == "fetch"; });
  for (Step& each : TRY(running_steps(kName, offering, !fetched))) steps.push_back(std::move(each));

  Json spared = Json::array({offering.to.str()});
  if (!offering.from.empty()) spared.push_back(offering.from.str());
  for (const Json& good : get(offering.subject, "keep_versions"))
    if (good.is_string() && is_version(good.get<std::string>())) spared.push_back(good);
  const int64_t keep = std::max<int64_t>(get_int(offering.subject, "keep", 5), 1);
  steps.push_back(step("prune-code", "prune", StepKind::kEffect, Phase::kSettle,
                       fmt::format("keep {}", counted(keep, "release")), offering.hosts,
                       {{"path", path}, {"keep", keep}, {"spared", std::move(spared)}}));
  return steps;
}

}  // namespace backout::drivers::releases
