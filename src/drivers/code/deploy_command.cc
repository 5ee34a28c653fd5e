#include "drivers/code/deploy_command.h"

#include "base/text.h"
#include "driver/secrets.h"
#include "drivers/code/build.h"
#include "drivers/code/facts.h"
#include "drivers/code/recap.h"
#include "drivers/code/script.h"
#include "drivers/code/version.h"
#include "drivers/command/arguments.h"

namespace backout::drivers {
namespace {

constexpr const char* kDeployName = "deploy-command";

// path version source commit run: the tag, and a clean work tree at it. The state of a try lies beside the work tree;
// `last` names the one whose command was begun last.
constexpr std::string_view kWorktree = R"sh(
path=$1 version=$2 source=${3:-origin} commit=$4 run=$5
cd "$path"
gitdir=$(git rev-parse --absolute-git-dir)
home=$gitdir/backout-deploy work=$gitdir/backout-deploy/$run-$version last=$gitdir/backout-deploy/last
tagged() { git rev-parse -q --verify "refs/tags/$version^{commit}"; }
)sh";

constexpr std::string_view kPrepare = R"sh(
if ! target=$(tagged) || ! git cat-file -e "$target^{tree}" 2>/dev/null; then
  git fetch -q --no-tags "$source" "+refs/tags/$version:refs/tags/$version"
  target=$(tagged) || fail "tag $version in $source is not a commit"
fi
[ -z "$commit" ] || [ "$target" = "$commit" ] || fail "tag $version is now commit $target; what ran as $version was $commit"
mkdir -p "$home"
if [ "$(git -C "$work" rev-parse -q --verify HEAD 2>/dev/null)" != "$target" ] || [ -n "$(git -C "$work" status --porcelain)" ]; then
  git worktree remove --force --force "$work" 2>/dev/null || :
  rm -rf "$work"
  git worktree prune
  # Forced twice: one that git was making when it was killed is "missing but locked".
  git worktree add -q --force --force --detach "$work" "$target"
  [ ! -f "$work/.gitmodules" ] || git -C "$work" submodule --quiet update --init --recursive
fi
)sh";

// ... line recap: the command, its words kept.
constexpr std::string_view kRunIt = R"sh(
rm -f "$work.log" "$work.status"
echo begun >"$work.status"
durable "$work.status"
printf '%s %s\n' "$run" "$version" >"$last.tmp"
durable "$last.tmp"
mv -T "$last.tmp" "$last"
durable "$home"
cd "$work"
{ status=0; (become sh -c "$6") </dev/null 2>&1 || status=$?; echo "ended $status" >"$work.status.tmp"; } | tee "$work.log"
durable "$work.log"
durable "$work.status.tmp"
mv -T "$work.status.tmp" "$work.status"
durable "$home"
read -r _ status <"$work.status"
# The last words of a command that failed: which hosts, and which not.
if [ "$status" != 0 ] && [ "$7" = ansible ]; then
  sed 's/\x1b\[[0-9;]*m//g; s/\r$//' "$work.log" | awk '
    /^PLAY RECAP/ { inside = 1; bad = good = ""; next }
    inside && / : ok=[0-9]/ { wrong = ""
      for (i = 2; i <= NF; ++i) if ($i ~ /^(unreachable|failed)=[1-9]/) wrong = wrong (wrong == "" ? "" : ", ") $i
      if (wrong != "") bad = bad (bad == "" ? "" : "; ") $1 ": " wrong
      else good = good (good == "" ? "" : ", ") $1 }
    END { if (bad != "") print "the recap says " bad (good == "" ? "" : "; without fault: " good)
          else print good == "" ? "it left no PLAY RECAP" : "though its recap names no fault: " good }' >&2
fi
exit "$status"
)sh";

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

constexpr std::string_view kClean = R"sh(
git worktree remove --force --force "$work" 2>/dev/null || :
rm -rf "$work"
git worktree prune
)sh";

constexpr std::string_view kSeen = R"sh(
GIT_OPTIONAL_LOCKS=0; export GIT_OPTIONAL_LOCKS
! target=$(tagged) || printf 'target %s\n' "$target"
if [ -d "$work" ]; then
  printf 'work %s\n' "$(git -C "$work" rev-parse -q --verify HEAD || echo none)"
  git -C "$work" status --porcelain | head -n 3 | sed 's/^...//; s/^/changed /'
fi
[ ! -f "$work.status" ] || printf 'status %s\n' "$(cat "$work.status")"
[ ! -f "$last" ] || printf 'last %s\n' "$(cat "$last")"
[ ! -f "$work.log" ] || tail -n 2000 "$work.log" | grep -A 1000 -a 'PLAY RECAP' | sed 's/\x1b\[[0-9;]*m//g; s/^/log /'
echo end
)sh";

// path version
constexpr std::string_view kReady = R"sh(
cd "$1"
[ -z "$2" ] || ! git rev-parse -q --verify "refs/tags/$2^{commit}" >/dev/null || echo tag
! command -v ansible-playbook >/dev/null || echo ansible
git ls-files --others --directory | grep -vE '/$|\.(pyc|log|retry|swp)$|~$' | head -n 5 | sed 's/^/beside /' || :
echo end
)sh";

struct Deploy {
  std::string user, recap;
  std::vector<std::string> words;
  std::vector<std::string> hosts;  // that the recap must name
};

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
  deploy.words = {path, version, git, commit, run};
  return deploy;
}

/// Of the command that ended as `status` says.
Sight sight_of_recap(const Deploy& deploy, const std::string& status, const Recap& recap) {
  const bool ended_well = status == "ended 0";
  if (recap.empty())
    return Sight::does_not_hold(ended_well ? "the deploy command ended with 0, but left no PLAY RECAP"
                                           : "the deploy command " + status + ", and left no PLAY RECAP");
    from["everywhere"] = true;
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
    const auto facts = look(host, git_script(std::string(kReady)), {get_string(offering.subject, "path"), version},
                            user, std::move(stop));
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
           "where it needs one of them (a vault's password), let it name it by an absolute path"});
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
    std::string body(kWorktree);
    Build build;
    if (action.verb == "clean") {
      body += kClean;
    } else {
      body += kPrepare;
    }
    if (action.verb == "deploy") {
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
