#include "drivers/code/kept_builds.h"

#include <map>

#include "base/text.h"
#include "drivers/code/facts.h"
#include "drivers/code/kept_builds_scripts.h"
#include "drivers/code/script.h"
#include "drivers/code/version.h"
#include "drivers/command/arguments.h"

namespace backout::drivers {
namespace {

constexpr Millis kCopyTime{900'000};
const std::string kRun = "{run}";

std::string in_store(std::string_view body) {
  return git_script("path=$1\n" + std::string(kCheckoutStart) + std::string(builds::kStart) + std::string(body));
}

struct Stored {
  std::string path, user, name, version;  // name: in the store
  std::vector<std::string> directories;
};

/// "aside-..." for what a run set aside, "kept-..." for a version.
Result<Stored> stored_by(const Action& action) {
  const Json& args = action.args;
  Stored stored;
  stored.path = TRY(path_argument(args, "path"));
  stored.user = TRY(optional_text_argument(args, "user"));
  stored.directories = TRY(path_list_argument(args, "dirs"));
  if (stored.directories.empty()) return Error{Code::kInvalid, "'dirs' is empty", ""};
  const bool aside = action.verb == "set-aside" || action.verb == "return-builds" || action.verb == "file-builds";
  stored.name = aside ? "aside-" + TRY(version_argument(args, "aside")) : "";
  if (action.verb != "return-builds") stored.version = TRY(version_argument(args, "version"));
  if (!aside) stored.name = "kept-" + stored.version;
  return stored;
}

struct Directory {
  std::string path, recorded, live, inside;
};

struct State {
  Facts facts;
  std::vector<Directory> directories;
  bool manifest() const { return facts.has("manifest"); }
};

Result<State> state_of(const Stored& stored, host::Host& host, std::stop_token stop) {
  std::vector<std::string> words = {stored.path, stored.name, stored.version};
  words.insert(words.end(), stored.directories.begin(), stored.directories.end());
  State state;
  state.facts = TRY(look(host, in_store(builds::kState), std::move(words), stored.user, std::move(stop)));
  const auto &recorded = state.facts.all("recorded"), &live = state.facts.all("live"),
             &inside = state.facts.all("inside");
  if (recorded.size() != stored.directories.size() || live.size() != recorded.size() ||
      inside.size() != recorded.size())
    return Error{Code::kUnavailable, "the answer of " + host.name().str() + " does not fit the question", ""};
  for (size_t i = 0; i < recorded.size(); ++i)
    state.directories.push_back(
        {stored.directories[i], recorded[i].substr(0, recorded[i].find(' ')), live[i], inside[i]});
  return state;
}

/// The first directory that is not where it should be, in words; empty when all are.
std::string misplaced(const State& state, bool in_place) {
  for (const Directory& each : state.directories) {
    if (each.recorded.empty()) return each.path + " is not in what is kept";
    const std::string& seen = in_place ? each.live : each.inside;
    if (each.recorded == "absent") {
      if (in_place && seen != "absent") return each.path + " is there, and was not";
      continue;
    }
    if (seen == "differs") return "what is kept of " + each.path + " is not as it was kept";
    if (seen == "absent") return each.path + (in_place ? " is not there" : " is not kept");
    if (seen != "same") return each.path + (in_place ? " is another directory" : " as kept is another directory");
  }
  return "";
}

/// Why what is kept is not that of commit `head` (facts "head" or "wanted"); empty when it is.
std::string foreign(const State& state, const std::string& head) {
  const std::string commit = state.facts.text("commit");
  if (commit != state.facts.text(head)) return "it is of commit " + commit + ", not of " + state.facts.text(head);
  if (state.facts.text("whole") != "yes") return "it is not known to be whole";
  if (state.facts.text("locks") != state.facts.text(head + "-locks")) return "it is of other lock files";
  return "";
}

Step builds_step(std::string_view driver, std::string id, const char* verb, Phase phase, std::string title, Json args,
                 std::vector<std::string> hosts) {
  Step step;
  step.id = StepId(std::move(id));
  step.phase = phase;
  step.kind = std::string_view(verb) == "kept-builds" ? StepKind::kLook : StepKind::kEffect;
  step.title = std::move(title);
  step.hosts = std::move(hosts);
  step.action = {std::string(driver), verb, std::move(args)};
  step.repeatable = true;
  step.has_probe = true;
  step.timeout = kCopyTime;
  return step;
}

std::string names_of(const std::vector<std::string>& directories) {
  std::vector<std::string> names;
  for (const std::string& each : directories) names.push_back(each.substr(each.rfind('/') + 1));
  return one_line(join(names, ", "));
}

/// Whether `host` keeps a build that can be put back for the target.
bool keeps_target(const Json& seen, const driver::Offering& offering) {
  const std::string commit = get_string(offering.saved, "commit");
  for (const Json& kept : get(get(seen, "builds"), "kept"))
    if (get_string(kept, "version") == offering.to.str() && get_bool(kept, "whole") &&
        (commit.empty() || commit == get_string(kept, "commit")))
      return true;
  return false;
}

Result<void> no_obstacle(const driver::Offering& offering) {
  for (const auto& [host, seen] : offering.seen)
    if (const std::string obstacle = get_string(get(seen, "builds"), "obstacle"); !obstacle.empty())
      return Error{Code::kRefused, "code.keep_builds on " + host + ": " + obstacle,
                   "mend it there, or take it out of code.keep_builds: it is then built in place"};
  return {};
}

}  // namespace

std::vector<driver::Verb> builds_verbs() {
  return {{"copy-builds", StepKind::kEffect, true, true},  {"kept-builds", StepKind::kLook, true, true},
          {"set-aside", StepKind::kEffect, true, true},    {"return-builds", StepKind::kEffect, true, true},
          {"bring-builds", StepKind::kEffect, true, true}, {"store-builds", StepKind::kEffect, true, true},
          {"file-builds", StepKind::kEffect, true, true}};
}

bool is_builds_verb(std::string_view verb) {
  const std::vector<driver::Verb> verbs = builds_verbs();
  return std::any_of(verbs.begin(), verbs.end(), [&](const driver::Verb& each) { return each.name == verb; });
}

Result<std::vector<std::string>> build_directories(const Json& subject) {
  std::vector<std::string> directories = TRY(path_list_argument(subject, "keep_builds"));
  if (directories.empty()) return directories;
  const std::string path = TRY(path_argument(subject, "path"));
  for (std::string& each : directories) {
    while (each.ends_with('/')) each.pop_back();
    if ((path + "/").starts_with(each + "/") || (each + "/").starts_with(path + "/.git/"))
      return Error{Code::kInvalid, "code.keep_builds: '" + one_line(each) + "' is not a directory that a build fills",
                   "name a directory in the checkout or beside it: keep_builds: [venv, node_modules]"};
  }
  return directories;
}

std::vector<std::string> without_builds(const std::string& path, const std::vector<std::string>& directories) {
  std::vector<std::string> patterns;
  for (const std::string& each : directories) {
    if (!each.starts_with(path + "/")) continue;
    std::string& pattern = patterns.emplace_back();
    for (const char c : each.substr(path.size())) {
      if (std::string_view("*?[]\\!# ").find(c) != std::string_view::npos) pattern += '\\';
      pattern += c;
    }
  }
  return patterns;
}

Result<std::vector<Step>> build_steps_for_checkpoint(std::string_view driver, const driver::Offering& offering) {
  const std::vector<std::string> directories = TRY(build_directories(offering.subject));
  std::vector<Step> steps;
  const Json& whole = get(offering.subject, "from_whole");
  if (directories.empty() || offering.from.empty() || (whole.is_boolean() && !whole.get<bool>())) return steps;
  TRY_VOID(check_version(offering.from.str()));
  TRY_VOID(no_obstacle(offering));
  steps.push_back(builds_step(driver, "keep-builds-code", "copy-builds", Phase::kPrepare,
                              "keep " + names_of(directories) + " of " + offering.from.str(),
                              {{"path", get(offering.subject, "path")},
                               {"user", get_string(offering.subject, "user")},
                               {"dirs", directories},
                               {"version", offering.from.str()}},
                              offering.hosts));
  return steps;
}

Result<BuildSteps> build_steps_for_switch(std::string_view driver, const driver::Offering& offering) {
  const std::vector<std::string> directories = TRY(build_directories(offering.subject));
  BuildSteps made;
  if (directories.empty()) return made;
  TRY_VOID(no_obstacle(offering));
  for (const std::string& host : offering.hosts)
    if (const auto seen = offering.seen.find(host); seen != offering.seen.end() && keeps_target(seen->second, offering))
      made.hosts_built.push_back(host);
  const std::string names = names_of(directories), to = offering.to.str(), from = offering.from.str();
  const Json place = {
      {"path", get(offering.subject, "path")}, {"user", get_string(offering.subject, "user")}, {"dirs", directories}};
  Json target = place, aside = place;
  target["version"] = to;
  aside["aside"] = kRun;
  const auto undo = [&](const char* verb, const Json& args) { return Action{std::string(driver), verb, args}; };

  if (!made.hosts_built.empty()) {
    made.before.push_back(builds_step(driver, "kept-builds", "kept-builds", Phase::kPrepare,
                                      "the build of " + to + " is kept (" + names + ")", target, made.hosts_built));
    made.before.back().needs = {StepId("fetch-tag")};
  }
  Json out = aside;
  out["version"] = from.empty() ? "unknown" : from;
  out["whole"] = get_bool(offering.subject, "from_whole", false);
  made.before.push_back(
      builds_step(driver, "set-aside", "set-aside", Phase::kSwitch, "set " + names + " aside", out, offering.hosts));
  made.before.back().undo = undo("return-builds", aside);

  if (!made.hosts_built.empty()) {
    made.after.push_back(builds_step(driver, "bring-builds", "bring-builds", Phase::kSwitch,
                                     "put back the " + names + " kept of " + to, target, made.hosts_built));
    made.after.back().needs = {StepId("checkout"), StepId("set-aside")};
    made.after.back().undo = undo("store-builds", target);
  }
  Json file = out;
  file.erase("whole");
  file["keep"] = std::max<int64_t>(get_int(offering.subject, "keep", 5), 1);
  Json spared = Json::array({to});
  for (const Json& good : get(offering.subject, "keep_versions"))
    if (good.is_string() && is_version(good.get<std::string>())) spared.push_back(good);
  file["spared"] = std::move(spared);
  made.after.push_back(builds_step(driver, "file-builds", "file-builds", Phase::kSettle,
                                   "keep " + names + " of " + get_string(out, "version"), std::move(file),
                                   offering.hosts));
  return made;
}

Result<Json> observe_builds(const Json& subject, host::Host& host, std::stop_token stop) {
  const std::vector<std::string> directories = TRY(build_directories(subject));
  std::vector<std::string> words = {TRY(path_argument(subject, "path"))};
  words.insert(words.end(), directories.begin(), directories.end());
  const std::string user = TRY(optional_text_argument(subject, "user"));
  const Facts facts = TRY(look(host, in_store(builds::kObserve), std::move(words), user, std::move(stop)));
  Json kept = Json::array();
  for (const std::string& line : facts.all("kept")) {
    const std::vector<std::string> field = split(line, ' ');
    if (field.size() != 4 || !is_version(field[0]) || !is_commit(field[1])) continue;
    kept.push_back({{"version", field[0]}, {"commit", field[1]}, {"whole", field[3] == "yes"}});
  }
  Json seen = {{"kept", std::move(kept)}};
  if (facts.has("obstacle")) seen["obstacle"] = facts.text("obstacle");
  return seen;
}

Result<host::Command> builds_command(const Action& action) {
  static const std::map<std::string_view, std::string_view> kScripts = {
      {"copy-builds", builds::kCopy},   {"set-aside", builds::kSetAside}, {"return-builds", builds::kReturn},
      {"bring-builds", builds::kBring}, {"store-builds", builds::kStore}, {"file-builds", builds::kFile}};
  const Stored stored = TRY(stored_by(action));
  const auto body = kScripts.find(action.verb);
  if (body == kScripts.end()) return Error{Code::kInvalid, "'" + one_line(action.verb) + "' is a look", ""};
  std::vector<std::string> words = {stored.path};
  if (stored.name.starts_with("aside-")) words.push_back(stored.name.substr(6));
  if (!stored.version.empty()) words.push_back(stored.version);
  if (action.verb == "set-aside") words.push_back(get_bool(action.args, "whole") ? "yes" : "no");
  if (action.verb == "file-builds") {
    const int64_t keep = get_int(action.args, "keep");
    if (keep < 1) return Error{Code::kInvalid, "'keep' is not at least 1", ""};
    std::vector<std::string> spared = {stored.version};
    for (const Json& version : get(action.args, "spared")) {
      if (!version.is_string()) return Error{Code::kInvalid, "'spared' has an entry that is not text", ""};
      TRY_VOID(check_version(version.get<std::string>()));
      spared.push_back(version.get<std::string>());
    }
    words.push_back(std::to_string(keep));
    words.push_back(join(spared, " "));
  }
  words.insert(words.end(), stored.directories.begin(), stored.directories.end());
  host::Command made = host::shell(in_store(body->second), std::move(words));
  made.user = stored.user;
  made.timeout = kCopyTime;
  return made;
}

Sight builds_sight(const Action& action, host::Host& host, std::stop_token stop) {
  const auto stored = stored_by(action);
  if (!stored) return Sight::cannot_tell(stored.error().message);
  const auto state = state_of(*stored, host, std::move(stop));
  if (!state) return Sight::cannot_tell(one_line(state.error().message));
  const std::string names = names_of(stored->directories), &verb = action.verb;
  const Json evidence = {{"builds",
                          {{"version", state->facts.text("version")},
                           {"commit", state->facts.text("commit")},
                           {"whole", state->facts.text("whole") == "yes"}}}};
  if (verb == "file-builds")
    return state->manifest() ? Sight::does_not_hold(names + " still lies aside") : Sight::holds(names + " is kept");
  if (!state->manifest()) {
    if (verb == "return-builds") return Sight::holds("nothing was set aside");
    return Sight::does_not_hold(verb == "set-aside" ? names + " is in its place"
                                                    : "nothing is kept of " + stored->version);
  }
  const bool in_place = verb == "return-builds" || verb == "bring-builds";
  if (const std::string why = misplaced(*state, in_place); !why.empty()) return Sight::does_not_hold(why);
  if (verb == "copy-builds") {
    if (state->facts.text("commit") != state->facts.text("head"))
      return Sight::does_not_hold("it is of commit " + state->facts.text("commit"));
    const bool whole = state->facts.text("whole") == "yes";
    return Sight::holds(names + " of " + stored->version +
                            (whole ? " is kept" : " is kept, and will be built anew: " + foreign(*state, "head")),
                        evidence);
  }
  if (verb == "kept-builds" || verb == "bring-builds")
    if (const std::string why = foreign(*state, verb == "kept-builds" ? "wanted" : "head"); !why.empty())
      return Sight::does_not_hold("the build kept of " + stored->version + ": " + why);
  if (verb == "set-aside") return Sight::holds(names + " lies aside", evidence);
  return Sight::holds(names + (in_place ? " is in its place" : " is kept"), evidence);
}

}  // namespace backout::drivers
