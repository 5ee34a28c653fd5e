#include "drivers/code/checkout.h"

#include "base/text.h"
#include "driver/secrets.h"
#include "drivers/code/build.h"
#include "drivers/code/changes.h"
#include "drivers/code/checkout_offer.h"
#include "drivers/code/checkout_scripts.h"
#include "drivers/code/code_ready.h"
#include "drivers/code/compared.h"
#include "drivers/code/facts.h"
#include "drivers/code/kept_builds.h"
#include "drivers/code/saved_config.h"
#include "drivers/code/static_files.h"
#include "drivers/code/version.h"
#include "drivers/command/arguments.h"

namespace backout::drivers {
namespace {

using checkout::in_checkout;
using checkout::rollback_branch;

struct Place {
  std::string path, version, user;
};

Result<Place> place_of(const Json& args) {
  Place place;
  place.path = TRY(path_argument(args, "path"));
  place.version = TRY(version_argument(args, "version"));
  place.user = TRY(optional_text_argument(args, "user"));
  return place;
}

Result<std::string> kept_ref(const Json& args) {
  static constexpr std::string_view kPrefix = "refs/backout/dirty-";
  std::string ref = TRY(text_argument(args, "ref"));
  if (!ref.starts_with(kPrefix) || !is_version(std::string_view(ref).substr(kPrefix.size())))
    return Error{Code::kInvalid, "'ref' is not one of ours: '" + one_line(ref) + "'", ""};
  return ref;
}

struct Found {
  std::string branch, head;
};

/// A branch name as git gave it: git has checked it once, so only what would be an option or another path is refused.
Result<Found> found_on(const Json& args, const host::Host& host) {
  const Json& was = get(get(args, "was"), host.name().str());
  Found found{TRY(optional_text_argument(was, "branch")), get_string(was, "head")};
  if (!is_commit(found.head))
    return Error{Code::kInvalid, "'was' does not say where " + host.name().str() + " stood", ""};
  if (found.branch.starts_with('-') || found.branch.find("..") != std::string::npos)
    return Error{Code::kInvalid, "'was' names a branch that cannot be: '" + one_line(found.branch) + "'", ""};
  return found;
}

Result<Facts> state(const std::string& path, const std::string& version, const std::string& user, host::Host& host,
                    std::stop_token stop) {
  return look(host, in_checkout(checkout::kState), {path, version}, user, std::move(stop));
}

std::string version_in(const Facts& facts) { return is_version(facts.text("exact")) ? facts.text("exact") : ""; }

Sight sight_of_tag(const Action& action, const Place& place, host::Host& host, std::stop_token stop) {
  const auto facts =
      look(host, in_checkout(checkout::kTagState), {place.path, place.version}, place.user, std::move(stop));
  if (!facts) return Sight::cannot_tell(one_line(facts.error().message));
  const std::string commit = facts->text("commit");
  if (commit.empty()) return Sight::does_not_hold("there is no tag " + place.version + " in " + place.path);
  if (!facts->has("whole")) return Sight::does_not_hold("objects of " + place.version + " are missing");
  const std::string expected = get_string(action.args, "commit");
  if (!expected.empty() && expected != commit)
    return Sight::does_not_hold("tag " + place.version + " is now commit " + commit + "; what ran was " + expected);
  return Sight::holds("tag " + place.version + " is commit " + commit, {{"commit", commit}});
}

/// path, ref and version as the scripts about what is kept take them, and what stays out of it.
Result<std::vector<std::string>> words_for_kept(const Action& action, const Place& place) {
  std::vector<std::string> words = {place.path, "", place.version};
  words[1] = TRY(kept_ref(action.args));
  const std::vector<std::string> directories = TRY(path_list_argument(action.args, "dirs"));
  for (std::string& pattern : without_builds(place.path, directories)) words.push_back(std::move(pattern));
  return words;
}

/// Why the work tree is not what was kept; empty when it is.
std::string drift(const Facts& facts) {
  if (!facts.has("kept")) return "nothing is kept";
  if (facts.has("differs")) return facts.text("differs") + " is not as kept";
  if (facts.has("gone")) return facts.text("gone") + " was kept and is gone";
  return "";
}

/// What was changed by hand before, for the last words and the report.
Json changes_left_behind(const Facts& facts, const Action& action, const Place& place, const std::string& ref,
                         const host::Host& host) {
  std::vector<std::string> files = checkout::files_in(facts, "by-hand", action.args, place.path);
  std::erase_if(files, [&](const std::string& file) { return checkout::is_known(action.args, file); });
  if (files.empty()) return Json::array();
  return {fmt::format("{} changed by hand in {}{} and not in what runs now: {}; kept as {}; one back: {}",
                      files.size() == 1 ? "1 file was" : std::to_string(files.size()) + " files were", place.path,
                      host.is_local() ? "" : " on " + host.name().str(), checkout::first_of(files), ref,
                      checkout::get_back(place.path, ref, files.front()))};
}

Sight sight_of_kept(const Action& action, const Place& place, host::Host& host, std::stop_token stop) {
  const auto words = words_for_kept(action, place);
  if (!words) return Sight::cannot_tell(words.error().message);
  const std::string& ref = words->at(1);
  const auto facts = look(host, in_checkout(checkout::kKeptState), *words, place.user, std::move(stop));
  if (!facts) return Sight::cannot_tell(one_line(facts.error().message));
  if (const std::string why = drift(*facts); !why.empty()) return Sight::does_not_hold(why);
  if (facts->text("parent") != facts->text("head"))
    return Sight::does_not_hold("it was kept from commit " + facts->text("parent") + ", HEAD is " +
                                facts->text("head"));
  Json evidence = {{"kept", facts->text("kept")}, {"ref", ref}};
  Json left = changes_left_behind(*facts, action, place, ref, host);
  if (!left.empty()) evidence["left_behind"] = std::move(left);
  return Sight::holds("kept as " + ref, std::move(evidence));
}

/// checkout: on the rollback branch, at the tag, nothing changed. at-commit: at the tag; a tracked file may differ when
/// the build is known to write it.
Sight sight_of_checkout(const Action& action, const Place& place, host::Host& host, std::stop_token stop) {
  const auto facts = state(place.path, place.version, place.user, host, std::move(stop));
  if (!facts) return Sight::cannot_tell(one_line(facts.error().message));
  const std::string head = facts->text("head"), wanted = facts->text("wanted");
  Json evidence = {{"commit", head}, {"branch", facts->text("branch")}};
  if (wanted == "none") return Sight::does_not_hold("there is no tag " + place.version, std::move(evidence));
  if (head != wanted)
    return Sight::does_not_hold(fmt::format("HEAD is {}, {} is {}", head, place.version, wanted), std::move(evidence));
  if (action.verb == "checkout" && facts->text("branch") != rollback_branch(place.version))
    return Sight::does_not_hold("the branch is '" + facts->text("branch") + "'", std::move(evidence));
  const std::vector<std::string> changed = checkout::files_in(*facts, "changed", action.args, place.path);
  const std::vector<std::string> since = checkout::files_in(*facts, "since-build", action.args, place.path);
  if (!since.empty())
    return Sight::does_not_hold(
        fmt::format("{} changed since it was built: {}", counted(static_cast<int64_t>(since.size()), "tracked file"),
                    shortened(join(since, ", "), 120)),
        std::move(evidence));
  std::string and_more;
  if (const int64_t untracked = facts->number("untracked"); untracked > 0) {
    evidence["untracked"] = untracked;
    and_more = fmt::format("; {} untracked: {}", untracked, shortened(join(facts->all("newcomer"), ", "), 80));
  }
  if (action.verb == "checkout")
    if (Json left = checkout::changes_of_before(place.path, place.version, place.user, action.args, host);
        !left.empty())
      evidence["left_behind"] = std::move(left);
  if (changed.empty())
    return Sight::holds(fmt::format("HEAD is {}, {}{}", place.version, head, and_more), std::move(evidence));
  evidence["changed"] = changed;
  std::vector<std::string> unknown;
  const bool built = get_bool(action.args, "built");
  for (const std::string& file : changed)
    if (!built || !checkout::is_known(action.args, file)) unknown.push_back(file);
  if (unknown.empty())
    return Sight::holds(fmt::format("HEAD is {}, {}; its build writes {}, as is known", place.version, head,
                                    checkout::first_of(changed)),
                        std::move(evidence));
  return Sight::does_not_hold(
      fmt::format("what runs is not {}: {} changed: {}{}", place.version,
                  counted(static_cast<int64_t>(unknown.size()), "tracked file"), checkout::first_of(unknown),
                  built ? "; if the build writes it, name it in code.ignore" : ""),
      std::move(evidence));
}

Sight sight_of_build(const Action& action, const Place& place, host::Host& host, std::stop_token stop) {
  const auto build = build_of(get(action.args, "build"), place.user);
  if (!build || build->empty()) return Sight::cannot_tell("there is nothing to build");
  const auto facts = state(place.path, place.version, place.user, host, std::move(stop));
  if (!facts) return Sight::cannot_tell(one_line(facts.error().message));
  if (facts->text("head") != facts->text("wanted")) return Sight::does_not_hold("HEAD is not " + place.version);
  const std::string built = facts->text("build");
  if ((built + " ").starts_with("complete " + facts->text("head") + " " + build->digest + " "))
    return Sight::holds(place.version + " is built");
  return Sight::does_not_hold(built.empty() ? "it is not built" : "the build did not finish");
}

Sight sight_of_unbuild(const Action&, const Place& place, host::Host& host, std::stop_token stop) {
  const auto facts = state(place.path, place.version, place.user, host, std::move(stop));
  if (!facts) return Sight::cannot_tell(one_line(facts.error().message));
  const std::string built = facts->text("build");
  if (built.empty() || built.starts_with("undone ")) return Sight::holds("nothing that was built counts");
  return Sight::does_not_hold("what was built for " + place.version + " still counts");
}

Sight sight_of_return(const Action& action, const Place& place, host::Host& host, std::stop_token stop) {
  const auto was = found_on(action.args, host);
  const auto words = words_for_kept(action, place);
  if (!was || !words) return Sight::cannot_tell((was ? words.error() : was.error()).message);
  const auto now = state(place.path, place.version, place.user, host, stop);
  if (!now) return Sight::cannot_tell(one_line(now.error().message));
  if (now->text("head") != was->head)
    return Sight::does_not_hold("HEAD is " + now->text("head") + ", it was " + was->head);
  if (now->text("branch") != was->branch)
    return Sight::does_not_hold("the branch is '" + now->text("branch") + "', it was '" + was->branch + "'");
  if (now->has("build")) return Sight::does_not_hold("what was built for " + place.version + " is still there");
  const auto kept = look(host, in_checkout(checkout::kKeptState), *words, place.user, std::move(stop));
  if (!kept) return Sight::cannot_tell(one_line(kept.error().message));
  if (const std::string why = drift(*kept); !why.empty()) return Sight::does_not_hold(why);
  return Sight::holds("back at " + (was->branch.empty() ? was->head : was->branch) + " with every change");
}

Sight sight_for_note(const Action& action, host::Host& host, std::stop_token stop) {
  const auto path = path_argument(action.args, "path");
  const auto user = optional_text_argument(action.args, "user");
  if (!path || !user) return Sight::cannot_tell((path ? user.error() : path.error()).message);
  const auto facts = state(*path, "", *user, host, std::move(stop));
  if (!facts) return Sight::cannot_tell(one_line(facts.error().message));
  const std::string commit = facts->text("head");
  return Sight::holds("HEAD is " + facts->text("describe"),
                      {{"version", version_in(*facts)},
                       {"commit", is_commit(commit) ? commit : ""},
                       {"branch", facts->text("branch")},
                       {"changed", checkout::files_in(*facts, "changed", action.args, *path)}});
}

class CheckoutDriver : public driver::Driver {
 public:
  std::string_view name() const override { return checkout::kName; }

  std::vector<driver::Verb> capabilities() const override {
    std::vector<driver::Verb> verbs = {
        {"fetch-tag", StepKind::kEffect, true, true}, {"keep-dirty", StepKind::kEffect, true, true},
        {"checkout", StepKind::kEffect, true, true},  {"return", StepKind::kEffect, true, true},
        {"build", StepKind::kEffect, true, true},     {"unbuild", StepKind::kEffect, true, true},
        {"at-commit", StepKind::kLook, true, true},   {"note", StepKind::kLook, true, true}};
    for (driver::Verb& verb : config_verbs()) verbs.push_back(std::move(verb));
    for (driver::Verb& verb : builds_verbs()) verbs.push_back(std::move(verb));
    for (driver::Verb& verb : compared_verbs()) verbs.push_back(std::move(verb));
    for (driver::Verb& verb : static_verbs()) verbs.push_back(std::move(verb));
    return verbs;
  }

  Result<std::vector<Step>> offer(const driver::Offering& offering) const override { return checkout::offer(offering); }

  Result<Json> observe(const Json& subject, host::Host& host, std::stop_token stop) const override {
    const std::string path = TRY(path_argument(subject, "path"));
    const Facts facts = TRY(state(path, "", TRY(optional_text_argument(subject, "user")), host, stop));
    Json seen = {{"current", version_in(facts)},   {"head", facts.text("head")},
                 {"branch", facts.text("branch")}, {"describe", facts.text("describe")},
                 {"dirty", facts.number("dirty")}, {"lock", facts.has("lock")}};
    if (!TRY(build_directories(subject)).empty()) seen["builds"] = TRY(observe_builds(subject, host, std::move(stop)));
    return seen;
  }

  Result<std::vector<std::string>> takes_away(const driver::Offering& offering, host::Host& host,
                                              std::stop_token stop) const override {
    return checkout::takes_away(offering, host, std::move(stop));
  }

  Result<host::Command> command(const Action& action, const host::Host& host) const override {
    if (action.verb == kSaveConfig || action.verb == kRestoreConfig) return config_command(action, host);
    if (is_builds_verb(action.verb)) return builds_command(action);
    if (is_compared_verb(action.verb)) return compared_command(action);
    if (is_static_verb(action.verb)) return static_command(action);
    const Json& args = action.args;
    if (action.verb != "fetch-tag" && action.verb != "keep-dirty" && action.verb != "checkout" &&
        action.verb != "return" && action.verb != "build" && action.verb != "unbuild")
      return no_such_verb(action, *this);
    const Place place = TRY(place_of(args));
    const Build build = TRY(build_of(get(args, "build"), place.user));
    host::Command made;
    if (action.verb == "fetch-tag") {
      const std::string git = TRY(optional_text_argument(args, "git"));
      const std::string commit = get_string(args, "commit");
      if (!git.empty()) TRY_VOID(check_git_source(git));
      if (!commit.empty() && !is_commit(commit)) return Error{Code::kInvalid, "'commit' is not a commit", ""};
      made = host::shell(in_checkout(checkout::kFetchTag), {place.path, place.version, git, commit});
    } else if (action.verb == "keep-dirty") {
      made = host::shell(in_checkout(checkout::kKeepDirty), TRY(words_for_kept(action, place)));
    } else if (action.verb == "checkout") {
      made = host::shell(in_checkout(checkout::kCheckout), {place.path, place.version, rollback_branch(place.version)});
    } else if (action.verb == "unbuild") {
      made = host::shell(in_checkout(checkout::kUnbuild), {place.path, place.version});
    } else if (action.verb == "return") {
      const Found was = TRY(found_on(args, host));
      const std::string ref = TRY(kept_ref(args));
      std::vector<std::string> words = {place.path, was.branch, was.head, ref, place.version, build.digest};
      words.insert(words.end(), build.lines.begin(), build.lines.end());
      made = host::shell(in_checkout(checkout::kReturn), std::move(words));
    } else {
      if (build.empty()) return Error{Code::kInvalid, "'build' has no command", ""};
      std::vector<std::string> words = {place.path, build.digest};
      words.insert(words.end(), build.lines.begin(), build.lines.end());
      made = host::shell(in_checkout(checkout::kBuild), std::move(words));
    }
    made.user = place.user;
    made.env = build.env;
    TRY_VOID(driver::reveal(build.secrets, made.env));
    made.timeout = Millis(300'000) + build.timeout;
    return made;
  }

  driver::Readiness ready(const driver::Offering& offering, host::Host& host, driver::Depth depth,
                          std::stop_token stop) const override {
    return checkout_readiness(offering, host, depth, std::move(stop));
  }

  Sight verify(const Action& action, host::Host& host, std::stop_token stop) const override {
    if (action.verb == kSaveConfig || action.verb == kRestoreConfig) return config_sight(action, host, std::move(stop));
    if (is_builds_verb(action.verb)) return builds_sight(action, host, std::move(stop));
    if (is_compared_verb(action.verb)) return compared_sight(action, host, std::move(stop));
    if (is_static_verb(action.verb)) return static_sight(action, host, std::move(stop));
    if (action.verb == "note") return sight_for_note(action, host, std::move(stop));
    const auto place = place_of(action.args);
    if (!place) return Sight::cannot_tell(place.error().message);
    if (action.verb == "fetch-tag") return sight_of_tag(action, *place, host, std::move(stop));
    if (action.verb == "keep-dirty") return sight_of_kept(action, *place, host, std::move(stop));
    if (action.verb == "checkout" || action.verb == "at-commit")
      return sight_of_checkout(action, *place, host, std::move(stop));
    if (action.verb == "build") return sight_of_build(action, *place, host, std::move(stop));
    if (action.verb == "unbuild") return sight_of_unbuild(action, *place, host, std::move(stop));
    if (action.verb == "return") return sight_of_return(action, *place, host, std::move(stop));
    return Sight::cannot_tell(no_such_verb(action, *this).message);
  }
};

}  // namespace

std::unique_ptr<driver::Driver> make_checkout_driver() { return std::make_unique<CheckoutDriver>(); }

}  // namespace backout::drivers
