#include "drivers/code/branch.h"

#include <map>

#include "base/text.h"
#include "drivers/code/branch_scripts.h"
#include "drivers/code/facts.h"
#include "drivers/code/version.h"
#include "drivers/command/arguments.h"

namespace backout::drivers {
namespace {

constexpr const char* kName = "branch";
constexpr Millis kTime{600'000};

bool is_ref_name(const std::string& text) {
  return !text.empty() && text.front() != '-' && text.front() != '/' && text.back() != '/' &&
         text.find("..") == std::string::npos && text.find("//") == std::string::npos && !text.ends_with(".lock") &&
         text.find_first_of(" ~^:?*[\\\t\n") == std::string::npos;
}

struct Branch {
  std::string how, name, user;
  std::vector<std::string> words;  // as the scripts take them
};

Result<Branch> branch_of(const Json& args, bool planned) {
  Branch branch;
  const std::string path = TRY(path_argument(args, "path"));
  branch.name = TRY(text_argument(args, "name"));
  if (!is_ref_name(branch.name))
    return Error{Code::kInvalid, "'" + one_line(branch.name) + "' cannot be a branch", "mend code.branch.name"};
  const std::string remote = TRY(text_argument(args, "remote"));
  TRY_VOID(check_git_source(remote));
  branch.how = TRY(text_argument(args, "how"));
  if (branch.how != "revert" && branch.how != "reset" && branch.how != "branch")
    return Error{Code::kInvalid, "'how' is not one of revert, reset, branch", ""};
  branch.user = TRY(optional_text_argument(args, "user"));
  std::string version = "none", run = "none", head = get_string(args, "head");
  std::string from = get_string(args, "from"), from_commit = get_string(args, "from_commit");
  if (!is_version(from)) from.clear();
  if (!is_commit(from_commit)) from_commit.clear();
  const std::string commit = get_string(args, "commit");
  if (planned) {
    version = TRY(version_argument(args, "version"));
    run = TRY(version_argument(args, "run"));
    if (!is_commit(head)) return Error{Code::kInvalid, "'head' is not a commit", ""};
    if (!commit.empty() && !is_commit(commit)) return Error{Code::kInvalid, "'commit' is not a commit", ""};
  }
  branch.words = {path, remote, branch.name, version, commit, head, run, branch.how, from, from_commit};
  return branch;
}

Result<Facts> state(const Branch& branch, host::Host& host, std::stop_token stop) {
  return look(host, branch::in_clone(branch::kState), branch.words, branch.user, std::move(stop), Millis(120'000));
}

/// "2 commits that came to main after v2": of others, not of the release itself. Empty when there are none.
std::string newcomers_in_words(const Facts& facts, const std::string& branch, const std::string& from) {
  const int64_t count = facts.number("newcomers");
  if (count <= 0) return "";
  return fmt::format("{} that came to {}{}", counted(count, "commit"), branch, from.empty() ? "" : " after " + from);
}

std::vector<std::string> named_newcomers(const Facts& facts) {
  std::vector<std::string> named;
  for (const std::string& each : facts.all("newcomer")) named.push_back(shortened(each, 100));
  if (const int64_t more = facts.number("newcomers") - std::ssize(named); more > 0)
    named.push_back(fmt::format("and {} more", more));
  return named;
}

/// What was pushed over, for the last words and the report.
Json left_behind(const Facts& facts, const Action& action, const Branch& branch) {
  const std::string words = newcomers_in_words(facts, branch.name, get_string(action.args, "from"));
  if (words.empty()) return Json::array();
  return {fmt::format("{} {} in what was pushed: {}; kept as {} in {}; to take one over again: git cherry-pick HASH",
                      words, facts.number("newcomers") == 1 ? "is not" : "are not", join(named_newcomers(facts), "; "),
                      facts.text("dropped"), branch.words[0])};
}

/// At another time than a run: whether the branch at the remote has the code of the version that should serve.
Sight sight_of_what_stands(const Action& action, host::Host& host, std::stop_token stop) {
  Action whole = action;
  whole.args["run"] = "none";
  whole.args["head"] = std::string(40, '0');
  const auto branch = branch_of(whole.args, true);
  if (!branch) return Sight::cannot_tell(branch.error().message);
  const auto facts =
      look(host, branch::in_clone(branch::kStands), branch->words, branch->user, std::move(stop), Millis(120'000));
  if (!facts) return Sight::cannot_tell(one_line(facts.error().message));
  const std::string version = get_string(action.args, "version"), at = facts->text("at"), tree = facts->text("at-tree"),
                    wanted = facts->text("target-tree");
  const Json evidence = {{"commit", at}, {"tree", tree}};
  if (facts->has("beside"))
    return Sight::holds("branch " + facts->text("beside") + " at the remote has the code of " + version, evidence);
  if (at.empty()) return Sight::does_not_hold("there is no branch " + branch->name + " at the remote", evidence);
  if (wanted.empty())
    return Sight::cannot_tell("there is no tag " + version + ", and its commit is not known: " + branch->name +
                              " at the remote cannot be compared");
  if (tree != wanted)
    return Sight::does_not_hold(
        fmt::format("{} at the remote is {}, which is not the code of {}", branch->name, at.substr(0, 12), version),
        evidence);
  return Sight::holds(branch->name + " at the remote is " + at.substr(0, 12) + ", with the code of " + version,
                      evidence);
}

Sight sight(const Action& action, host::Host& host, std::stop_token stop) {
  if (action.verb == "stands") return sight_of_what_stands(action, host, std::move(stop));
  const bool note = action.verb == "note";
  const auto branch = branch_of(action.args, !note);
  if (!branch) return Sight::cannot_tell(branch.error().message);
  const auto facts = state(*branch, host, std::move(stop));
  if (!facts) return Sight::cannot_tell(one_line(facts.error().message));
  const std::string at = facts->text("at"), head = get_string(action.args, "head"), made = facts->text("made");
  const std::string there = facts->text("at-there"), tree = facts->text("at-tree"), wanted = facts->text("target-tree");
  const std::string shown = branch->how == "branch" ? "the rollback branch" : branch->name;
  Json evidence = {{"commit", there}, {"tree", tree}};
  if (action.verb == "push")
    if (Json left = left_behind(*facts, action, *branch); !left.empty()) evidence["left_behind"] = std::move(left);
  if (note) {
    if (at.empty()) return Sight::does_not_hold("there is no branch " + branch->name + " at the remote");
    return Sight::holds(branch->name + " is at " + at, {{"commit", at}});
  }
  if (action.verb == "fetch") {
    if (facts->text("fetched") != head) return Sight::does_not_hold(branch->name + " is not fetched");
    return wanted.empty() ? Sight::does_not_hold("the target is not known here") : Sight::holds("fetched");
  }
  if (action.verb == "make") {
    if (made.empty()) return Sight::does_not_hold("nothing is made");
    return facts->text("made-tree") == wanted && !wanted.empty()
               ? Sight::holds(made + " has the tree of the target", {{"commit", made}, {"tree", wanted}})
               : Sight::does_not_hold(made + " has another tree than the target");
  }
  if (action.verb == "take-back") {
    if (branch->how == "branch")
      return there.empty() ? Sight::holds("there is no rollback branch") : Sight::does_not_hold("it is still there");
    if (!tree.empty() && tree == facts->text("head-tree") && there != made)
      return Sight::holds(branch->name + " has the tree that it had");
    if (there == head) return Sight::holds(branch->name + " is at " + head);
    return Sight::does_not_hold(branch->name + " is at " + there);
  }
  if (there.empty()) return Sight::does_not_hold("there is no " + shown + " at the remote", evidence);  // push, at
  if (there != made && tree != wanted)
    return Sight::does_not_hold(shown + " is at " + there + ", not at " + (made.empty() ? "what was made" : made),
                                evidence);
  if (wanted.empty() || tree != wanted)
    return Sight::does_not_hold(shown + " has tree " + tree + ", the target has " + wanted, evidence);
  return Sight::holds(shown + " at the remote is " + there + ", with the tree of the target", evidence);
}

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
  made.timeout = kTime;
  return made;
}

class BranchDriver : public driver::Driver {
 public:
  std::string_view name() const override { return kName; }

  std::vector<driver::Verb> capabilities() const override {
    return {{"note", StepKind::kLook, true, true},   {"fetch", StepKind::kEffect, true, true},
            {"make", StepKind::kEffect, true, true}, {"push", StepKind::kEffect, true, true},
            {"at", StepKind::kLook, true, true},     {"take-back", StepKind::kEffect, true, true},
            {"stands", StepKind::kLook, true, true}};
  }

  Result<std::vector<Step>> offer(const driver::Offering& offering) const override {
    Json args = offering.subject;
    for (const char* of_the_site :
         {"keep_versions", "from_whole", "to_commit", "from_commit", "changed_before", "beside"})
      args.erase(of_the_site);
    const Branch branch = TRY(branch_of(args, false));
    std::vector<Step> steps;
    if (offering.kind == RunKind::kDeploy || offering.kind == RunKind::kCheckpoint) {
      steps.push_back(
          step("note-branch", "note", StepKind::kLook, Phase::kPrepare, "note branch " + branch.name, args, offering));
      // Beside code on hosts, the branch may go on without them; where it is all there is, what it has is what runs.
      if (offering.kind == RunKind::kDeploy && !get_bool(offering.subject, "beside") && is_version(offering.to.str())) {
        args["version"] = offering.to.str();
        if (const std::string commit = get_string(offering.subject, "to_commit"); is_commit(commit))
          args["commit"] = commit;
        steps.push_back(step("branch-stands", "stands", StepKind::kLook, Phase::kCheck,
                             "branch " + branch.name + " has the code of " + offering.to.str(), args, offering));
      }
      return steps;
    }
    TRY_VOID(check_version(offering.to.str()));
    for (const std::string& host : offering.hosts) {
      const auto seen = offering.seen.find(host);
      const std::string head = seen == offering.seen.end() ? "" : get_string(seen->second, "head");
      if (!is_commit(head))
        return Error{Code::kUnavailable, "branch " + branch.name + " could not be seen at its remote",
                     "look there: git ls-remote"};
      args["head"] = head;
    }
    args["version"] = offering.to.str();
    args["run"] = "{run}";
    args["from"] = offering.from.str();
    args["from_commit"] = get_string(offering.subject, "from_commit");
    const std::string to = offering.to.str(), saved = get_string(offering.saved, "commit");
    if (is_commit(saved) || is_commit(to)) args["commit"] = is_commit(saved) ? saved : to;
    static const std::map<std::string, std::string> kTitles = {{"revert", "push a revert of it to "},
                                                               {"reset", "push it, by force with a lease, to "},
                                                               {"branch", "push it as a rollback branch beside "}};
    steps.push_back(step("fetch-branch", "fetch", StepKind::kEffect, Phase::kPrepare,
                         "branch " + branch.name + " and " + to, args, offering));
    steps.push_back(step("make-branch", "make", StepKind::kEffect, Phase::kPrepare, "a commit with the tree of " + to,
                         args, offering));
    steps.back().needs = {StepId("fetch-branch")};
    steps.push_back(step("push-branch", "push", StepKind::kEffect, Phase::kSwitch, kTitles.at(branch.how) + branch.name,
                         args, offering));
    steps.back().undo = Action{kName, "take-back", args};
    steps.push_back(
        step("branch-at", "at", StepKind::kLook, Phase::kCheck, "the branch has the tree of " + to, args, offering));
    return steps;
  }

  Result<Json> observe(const Json& subject, host::Host& host, std::stop_token stop) const override {
    const Branch branch = TRY(branch_of(subject, false));
    const Facts facts = TRY(state(branch, host, std::move(stop)));
    if (facts.text("at").empty())
      return Error{Code::kNotFound, "there is no branch " + branch.name + " at " + one_line(branch.words[1]),
                   "mend code.branch"};
    return Json{{"head", facts.text("at")}};
  }

  Result<std::vector<std::string>> takes_away(const driver::Offering& offering, host::Host& host,
                                              std::stop_token stop) const override {
    std::vector<std::string> sentences;
    const auto seen = offering.seen.find(host.name().str());
    if (get_string(offering.subject, "how") == "branch" || seen == offering.seen.end()) return sentences;
    Json args = offering.subject;
    args["head"] = get_string(seen->second, "head");
    args["version"] = offering.to.str();
    args["run"] = "none";
    args["from"] = offering.from.str();
    if (const std::string commit = get_string(offering.saved, "commit"); is_commit(commit)) args["commit"] = commit;
    const Branch branch = TRY(branch_of(args, true));
    const Facts facts = TRY(
        look(host, branch::in_clone(branch::kNewcomers), branch.words, branch.user, std::move(stop), Millis(120'000)));
    const std::string words = newcomers_in_words(facts, branch.name, offering.from.str());
    if (words.empty()) return sentences;
    sentences.push_back(fmt::format("{} {} {}; the tip is kept as refs/backout/dropped-RUN in {}:", words,
                                    facts.number("newcomers") == 1 ? "will be" : "will all be",
                                    branch.how == "reset" ? "dropped from it" : "reverted with it", branch.words[0]));
    for (std::string& each : named_newcomers(facts)) sentences.push_back("- " + std::move(each));
    return sentences;
  }

  Result<host::Command> command(const Action& action, const host::Host&) const override {
    static const std::map<std::string_view, std::string_view> kScripts = {
        {"fetch", branch::kFetch}, {"make", branch::kMake}, {"push", branch::kPush}, {"take-back", branch::kTakeBack}};
    const auto body = kScripts.find(action.verb);
    if (body == kScripts.end()) return no_such_verb(action, *this);
    const Branch branch = TRY(branch_of(action.args, true));
    host::Command made = host::shell(branch::in_clone(body->second), branch.words);
    made.user = branch.user;
    made.timeout = kTime;
    return made;
  }

  Sight verify(const Action& action, host::Host& host, std::stop_token stop) const override {
    for (const driver::Verb& verb : capabilities())
      if (verb.name == action.verb) return sight(action, host, std::move(stop));
    return Sight::cannot_tell(no_such_verb(action, *this).message);
  }
};

}  // namespace

std::unique_ptr<driver::Driver> make_branch_driver() { return std::make_unique<BranchDriver>(); }

}  // namespace backout::drivers
