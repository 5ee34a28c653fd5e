#include "drivers/code/releases.h"

#include <set>

#include "base/text.h"
#include "driver/secrets.h"
#include "drivers/code/build.h"
#include "drivers/code/code_ready.h"
#include "drivers/code/compared.h"
#include "drivers/code/facts.h"
#include "drivers/code/releases_offer.h"
#include "drivers/code/releases_scripts.h"
#include "drivers/code/saved_config.h"
#include "drivers/code/script.h"
#include "drivers/code/static_files.h"
#include "drivers/code/version.h"
#include "drivers/command/arguments.h"

namespace backout::drivers {
namespace {

struct Place {
  std::string path, version, user;
  std::string directory() const { return path + "/releases/" + version; }
};

Result<Place> place_of(const Json& args) {
  Place place;
  place.path = TRY(path_argument(args, "path"));
  place.version = TRY(version_argument(args, "version"));
  place.user = TRY(optional_text_argument(args, "user"));
  return place;
}

Result<std::string> source_of(const Json& args) {
  std::string git = TRY(text_argument(args, "git"));
  TRY_VOID(check_git_source(git));
  return git;
}

/// What the link said on this host before; empty: there was none.
Result<std::string> found_target(const Json& args, const host::Host& host) {
  const Json& target = get(get(args, "targets"), host.name().str());
  if (!target.is_string()) return Error{Code::kInvalid, "'targets' does not name " + host.name().str(), ""};
  return target.get<std::string>();
}

/// The version a link serves: its target lies right inside releases/.
std::string version_at(const Facts& facts) {
  const std::string resolved = facts.text("resolved"), home = facts.text("home");
  if (resolved.empty() || home.empty() || !resolved.starts_with(home + "/")) return "";
  std::string version = resolved.substr(home.size() + 1);
  return is_version(version) ? version : "";
}

Json observation(const Facts& facts) {
  Json releases = Json::array();
  for (const std::string& line : facts.all("release")) {
    const std::vector<std::string> field = split(line, ' ');
    if (field.size() != 4 || !is_version(field[0])) continue;
    releases.push_back({{"version", field[0]},
                        {"commit", is_commit(field[1]) ? field[1] : ""},
                        {"ours", field[2] == "ours"},
                        {"built", field[3] == "built"}});
  }
  return {{"current", version_at(facts)},
          {"current_target", facts.text("link")},
          {"dangling", facts.has("dangling")},
          {"releases", std::move(releases)}};
}

std::string commit_of(const Json& seen, const std::string& version) {
  for (const Json& release : get(seen, "releases"))
    if (get_string(release, "version") == version) return get_string(release, "commit");
  return "";
}

/// Looks that need the whole observation.
Result<Facts> observed(const std::string& path, const std::string& user, host::Host& host, std::stop_token stop) {
  return look(host, git_script(releases::kObserve), {path}, user, std::move(stop));
}
Result<Facts> inspected(const Place& place, host::Host& host, std::stop_token stop) {
  return look(host, git_script(releases::kInspect), {place.directory()}, place.user, std::move(stop));
}

/// Why a directory that we made is not what its tag says; empty when it is.
std::string fault_of(const Facts& facts, const std::string& expected) {
  if (facts.text("kind") == "none") return "it is not there";
  if (facts.text("kind") != "directory") return "it is not a directory";
  if (!facts.has("filled")) return "it is empty";
  if (!facts.has("ours")) return "";
  const std::string commit = facts.text("commit");
  if (!is_commit(commit)) return "it does not say which commit it is";
  if (!expected.empty() && commit != expected) return "it is commit " + commit + ", expected " + expected;
  if (facts.text("head") != commit) return "its checkout is at " + facts.text("head") + ", it was made from " + commit;
  if (const int64_t missing = facts.number("missing", -1); missing != 0)
    return counted(missing, "file") + " of it missing";
  return "";
}

Sight sight_of_directory(const Action& action, host::Host& host, std::stop_token stop) {
  const auto place = place_of(action.args);
  if (!place) return Sight::cannot_tell(place.error().message);
  const auto facts = inspected(*place, host, stop);
  if (!facts) return Sight::cannot_tell(one_line(facts.error().message));
  const std::string shown = "releases/" + place->version;
  if (const std::string fault = fault_of(*facts, get_string(action.args, "commit")); !fault.empty())
    return Sight::does_not_hold(shown + ": " + fault);
  if (action.verb != "present" && !facts->has("ours")) return Sight::does_not_hold(shown + " was not made by backout");
  if (action.verb == "present") {
    const std::string recorded = get_string(get(action.args, "files"), host.name().str());
    const auto files = compare_files(place->path, place->version, get(action.args, "ignore"), recorded, host, stop);
    if (!files) return Sight::cannot_tell(one_line(files.error().message));
    if (!files->difference.empty())
      return Sight::does_not_hold(shown + " is not what served: " + shortened(files->difference, 200));
    if (files->record.empty() && !facts->has("built") && facts->has("modified"))
      return Sight::does_not_hold(shown + " is not its commit: " + facts->text("modified"));
  }
  Json evidence = {{"version", place->version}};
  if (facts->has("commit")) evidence["commit"] = facts->text("commit");
  if (action.verb != "build") return Sight::holds(shown + " is there and whole", std::move(evidence));
  const auto build = build_of(get(action.args, "build"), place->user);
  if (!build || build->empty()) return Sight::cannot_tell("there is nothing to build");
  const std::string built = facts->text("built");
  if (built.empty()) return Sight::does_not_hold(shown + " is not built");
  if (built != build->digest) return Sight::does_not_hold(shown + " was built by other commands");
  return Sight::holds(shown + " is built", std::move(evidence));
}

/// A release that an aborted run built is built again the next time: it may have been built wrongly.
Sight sight_of_unbuilt(const Action& action, host::Host& host, std::stop_token stop) {
  const auto place = place_of(action.args);
  if (!place) return Sight::cannot_tell(place.error().message);
  const auto facts = inspected(*place, host, stop);
  if (!facts) return Sight::cannot_tell(one_line(facts.error().message));
  const std::string shown = "releases/" + place->version;
  if (!facts->text("built").empty()) return Sight::does_not_hold(shown + " still counts as built");
  return Sight::holds(shown + " is built again the next time");
}

Sight sight_of_tag(const Action& action, host::Host& host, std::stop_token stop) {
  const auto place = place_of(action.args);
  const auto source = source_of(action.args);
  if (!place || !source) return Sight::cannot_tell((place ? source.error() : place.error()).message);
  const auto facts = look(host, git_script(releases::kTag), {*source, place->version}, place->user, std::move(stop));
  if (!facts) return Sight::cannot_tell(one_line(facts.error().message));
  const std::string commit = facts->has("peeled") ? facts->text("peeled") : facts->text("tag");
  if (commit.empty()) return Sight::does_not_hold("there is no tag " + place->version + " in " + one_line(*source));
  const std::string expected = get_string(action.args, "commit");
  if (!expected.empty() && commit != expected)
    return Sight::does_not_hold("tag " + place->version + " is now commit " + commit + "; what ran was " + expected);
  return Sight::holds("tag " + place->version + " is commit " + commit, {{"commit", commit}});
}

Sight sight_of_link(const Action& action, host::Host& host, std::stop_token stop) {
  const auto place = place_of(action.args);
  if (!place) return Sight::cannot_tell(place.error().message);
  const auto facts = observed(place->path, place->user, host, stop);
  if (!facts) return Sight::cannot_tell(one_line(facts.error().message));
  if (facts->has("obstacle")) return Sight::does_not_hold(place->path + "/current is not a symlink");
  if (!facts->has("link")) return Sight::does_not_hold("there is no " + place->path + "/current");
  if (facts->has("dangling"))
    return Sight::does_not_hold("current -> " + facts->text("link") + ", which does not exist");
  const std::string version = version_at(*facts);
  Json evidence = {{"version", version}, {"commit", commit_of(observation(*facts), version)}};
  if (version != place->version) return Sight::does_not_hold("current -> " + facts->text("link"), std::move(evidence));
  if (action.verb == "current") {
    const auto files = compare_files(place->path, version, get(action.args, "ignore"), "", host, std::move(stop));
    if (!files) return Sight::cannot_tell(one_line(files.error().message));
    if (!files->difference.empty())
      return Sight::does_not_hold(fmt::format("current -> {}, which is not what served: {}", facts->text("link"),
                                              shortened(files->difference, 200)),
                                  std::move(evidence));
    if (!files->record.empty() && !files->stale)
      evidence["compared"] = {{"files", files->files}, {"newcomers", files->newcomers}};
  }
  return Sight::holds("current -> " + facts->text("link"), std::move(evidence));
}

Sight sight_of_link_as_found(const Action& action, host::Host& host, std::stop_token stop) {
  const auto path = path_argument(action.args, "path");
  const auto target = found_target(action.args, host);
  if (!path || !target) return Sight::cannot_tell((path ? target.error() : path.error()).message);
  const auto facts = observed(*path, "", host, std::move(stop));
  if (!facts) return Sight::cannot_tell(one_line(facts.error().message));
  const std::string link = facts->text("link");
  const std::string shown = link.empty() ? "there is no current" : "current -> " + link;
  return link == one_line(*target) && !facts->has("obstacle") ? Sight::holds(shown) : Sight::does_not_hold(shown);
}

/// What runs now, for a checkpoint. A site without a release yet is a truth like any other.
Sight sight_for_note(const Action& action, host::Host& host, std::stop_token stop) {
  const auto path = path_argument(action.args, "path");
  const auto user = optional_text_argument(action.args, "user");
  if (!path || !user) return Sight::cannot_tell((path ? user.error() : path.error()).message);
  const auto facts = observed(*path, *user, host, std::move(stop));
  if (!facts) return Sight::cannot_tell(one_line(facts.error().message));
  const std::string version = version_at(*facts);
  Json evidence = {{"version", version}, {"commit", commit_of(observation(*facts), version)}};
  if (version.empty()) return Sight::holds("no release is current", std::move(evidence));
  return Sight::holds("current is " + version, std::move(evidence));
}

struct Pruning {
  std::string path;
  int64_t keep;
  std::set<std::string> spared;
};

Result<Pruning> pruning_of(const Json& args) {
  Pruning pruning{TRY(path_argument(args, "path")), get_int(args, "keep"), {}};
  if (pruning.keep < 1) return Error{Code::kInvalid, "'keep' is not at least 1", ""};
  if (!get(args, "spared").is_array()) return Error{Code::kInvalid, "'spared' is not a list", ""};
  for (const Json& version : get(args, "spared")) {
    if (!version.is_string()) return Error{Code::kInvalid, "'spared' has an entry that is not text", ""};
    TRY_VOID(check_version(version.get<std::string>()));
    pruning.spared.insert(version.get<std::string>());
  }
  return pruning;
}

Sight sight_of_pruning(const Action& action, host::Host& host, std::stop_token stop) {
  const auto pruning = pruning_of(action.args);
  if (!pruning) return Sight::cannot_tell(pruning.error().message);
  const auto facts = observed(pruning->path, "", host, std::move(stop));
  if (!facts) return Sight::cannot_tell(one_line(facts.error().message));
  const Json seen = observation(*facts);
  const int64_t total = static_cast<int64_t>(get(seen, "releases").size());
  int64_t spare = 0;
  for (const Json& release : get(seen, "releases")) {
    const std::string version = get_string(release, "version");
    spare += version != get_string(seen, "current") && !pruning->spared.count(version) ? 1 : 0;
  }
  if (total > pruning->keep && spare > 0) return Sight::does_not_hold(counted(total, "release") + " are there");
  return Sight::holds(counted(total, "release") + " kept", {{"releases", total}});
}

class ReleasesDriver : public driver::Driver {
 public:
  std::string_view name() const override { return releases::kName; }

  std::vector<driver::Verb> capabilities() const override {
    std::vector<driver::Verb> verbs = {
        {"target", StepKind::kLook, true, true},        {"present", StepKind::kLook, true, true},
        {"current", StepKind::kLook, true, true},       {"note", StepKind::kLook, true, true},
        {"fetch", StepKind::kEffect, true, true},       {"build", StepKind::kEffect, true, true},
        {"unbuild", StepKind::kEffect, true, true},     {"switch", StepKind::kEffect, true, true},
        {"switch-back", StepKind::kEffect, true, true}, {"prune", StepKind::kEffect, true, true}};
    for (driver::Verb& verb : config_verbs()) verbs.push_back(std::move(verb));
    for (driver::Verb& verb : compared_verbs()) verbs.push_back(std::move(verb));
    for (driver::Verb& verb : static_verbs()) verbs.push_back(std::move(verb));
    return verbs;
  }

  Result<std::vector<Step>> offer(const driver::Offering& offering) const override { return releases::offer(offering); }

  Result<Json> observe(const Json& subject, host::Host& host, std::stop_token stop) const override {
    const std::string path = TRY(path_argument(subject, "path"));
    const std::string user = TRY(optional_text_argument(subject, "user"));
    const Facts facts = TRY(observed(path, user, host, std::move(stop)));
    if (facts.text("path") == "none")
      return Error{Code::kNotFound, path + " does not exist on " + host.name().str(), "make it, or mend code.path"};
    if (facts.has("obstacle"))
      return Error{Code::kConflict, path + "/current on " + host.name().str() + " is not a symlink",
                   "with one directory for all versions, say layout: in-place"};
    return observation(facts);
  }

  Result<host::Command> command(const Action& action, const host::Host& host) const override {
    const Json& args = action.args;
    if (action.verb == kSaveConfig || action.verb == kRestoreConfig) return config_command(action, host);
    if (is_compared_verb(action.verb)) return compared_command(action);
    if (is_static_verb(action.verb)) return static_command(action);
    if (action.verb == "fetch") {
      const Place place = TRY(place_of(args));
      const std::string commit = get_string(args, "commit");
      if (!commit.empty() && !is_commit(commit)) return Error{Code::kInvalid, "'commit' is not a commit", ""};
      const std::string source = TRY(source_of(args));
      host::Command made = host::shell(git_script(releases::kFetch), {place.path, place.version, source, commit});
      made.user = place.user;
      made.timeout = Millis(600'000);
      return made;
    }
    if (action.verb == "build") {
      const Place place = TRY(place_of(args));
      const Build build = TRY(build_of(get(args, "build"), place.user));
      if (build.empty()) return Error{Code::kInvalid, "'build' has no command", ""};
      std::vector<std::string> words = {place.directory(), build.digest};
      words.insert(words.end(), build.lines.begin(), build.lines.end());
      host::Command made = host::shell(build_script(releases::kBuild), std::move(words));
      made.user = place.user;
      made.env = build.env;
      TRY_VOID(driver::reveal(build.secrets, made.env));
      made.timeout = build.timeout;
      return made;
    }
    if (action.verb == "unbuild") {
      const Place place = TRY(place_of(args));
      host::Command made = host::shell(script(releases::kUnbuild), {place.directory()});
      made.user = place.user;
      return made;
    }
    if (action.verb == "switch") {
      const Place place = TRY(place_of(args));
      return host::shell(script(releases::kSwitch), {place.path, "releases/" + place.version, "exist"});
    }
    if (action.verb == "switch-back") {
      const std::string path = TRY(path_argument(args, "path")), target = TRY(found_target(args, host));
      return host::shell(script(releases::kSwitch), {path, target, "as-found"});
    }
    if (action.verb == "prune") {
      const Pruning pruning = TRY(pruning_of(args));
      std::vector<std::string> words = {pruning.path, std::to_string(pruning.keep)};
      words.insert(words.end(), pruning.spared.begin(), pruning.spared.end());
      return host::shell(script(releases::kPrune), std::move(words));
    }
    return no_such_verb(action, *this);
  }

  driver::Readiness ready(const driver::Offering& offering, host::Host& host, driver::Depth depth,
                          std::stop_token stop) const override {
    return releases_readiness(offering, host, depth, std::move(stop));
  }

  Sight verify(const Action& action, host::Host& host, std::stop_token stop) const override {
    const std::string& verb = action.verb;
    if (verb == kSaveConfig || verb == kRestoreConfig) return config_sight(action, host, std::move(stop));
    if (is_compared_verb(verb)) return compared_sight(action, host, std::move(stop));
    if (is_static_verb(verb)) return static_sight(action, host, std::move(stop));
    if (verb == "fetch" || verb == "build" || verb == "present")
      return sight_of_directory(action, host, std::move(stop));
    if (verb == "unbuild") return sight_of_unbuilt(action, host, std::move(stop));
    if (verb == "target") return sight_of_tag(action, host, std::move(stop));
    if (verb == "switch" || verb == "current") return sight_of_link(action, host, std::move(stop));
    if (verb == "switch-back") return sight_of_link_as_found(action, host, std::move(stop));
    if (verb == "note") return sight_for_note(action, host, std::move(stop));
    if (verb == "prune") return sight_of_pruning(action, host, std::move(stop));
    return Sight::cannot_tell(no_such_verb(action, *this).message);
  }
};

}  // namespace

std::unique_ptr<driver::Driver> make_releases_driver() { return std::make_unique<ReleasesDriver>(); }

}  // namespace backout::drivers
