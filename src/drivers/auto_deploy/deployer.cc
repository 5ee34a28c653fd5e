#include "drivers/auto_deploy/deployer.h"

#include <map>

#include "base/text.h"
#include "drivers/command/arguments.h"

namespace backout::drivers {
namespace {

constexpr Millis kDeployerTime{30'000};

// Arguments: verb, file or user, text. Jobs are the lines that are neither comments nor settings; one that is paused is
// a comment that begins with our mark. Nothing else of the file changes, and a reader finds it whole at any instant.
constexpr const char* kCrontabStart = R"sh(
verb=$1 of=$2 BACKOUT_MATCH=$3 mark='#backout-paused '
export BACKOUT_MATCH
fail() { printf '%s\n' "$1" >&2; exit 1; }
change() {  # pause | resume | count
  awk -v mark="$mark" -v verb="$1" '
    function job(line) { return line !~ /^[ \t]*(#|$)/ && line !~ /^[ \t]*[A-Za-z_][A-Za-z0-9_]*[ \t]*=/ }
    BEGIN { match_text = ENVIRON["BACKOUT_MATCH"] }
    {
      parked = index($0, mark) == 1
      line = parked ? substr($0, length(mark) + 1) : $0
      ours = job(line) && (match_text == "" || index(line, match_text) > 0)
      if (ours && parked) parked_jobs++
      if (ours && !parked) jobs++
      if (verb == "pause" && ours && !parked) print mark $0
      else if (verb == "resume" && ours && parked) print line
      else if (verb != "count") print
    }
    END { if (verb == "count") printf "jobs %d\nparked %d\nend\n", jobs, parked_jobs }'
}
)sh";

constexpr const char* kCronFile = R"sh(
directory=$(dirname -- "$of") name=$(basename -- "$of")
new=$directory/.$name.backout-tmp
if [ ! -e "$of" ]; then
  [ "$verb" != count ] && fail "there is no $of"
  printf 'absent yes\nend\n'
  exit 0
fi
[ -r "$of" ] || fail "$of cannot be read"
if [ "$verb" = count ]; then change count <"$of"; exit 0; fi
[ ! -L "$of" ] || fail "$of is a symlink: name the file that it leads to"
rm -f -- "$new"
cp -p -- "$of" "$new" || fail "$directory cannot be written"
change "$verb" <"$of" >"$new" || fail "$of could not be written anew"
sync -d "$new" 2>/dev/null || :
mv -T -- "$new" "$of"
touch -- "$directory" 2>/dev/null || :
)sh";

constexpr const char* kOwnCrontab = R"sh(
crontab_of() { if [ "$(id -un)" = "$of" ]; then crontab "$@"; else crontab -u "$of" "$@"; fi; }
text=$(crontab_of -l 2>&1; echo "status $?")
status=${text##*status } text=${text%status *}
case $status:$text in
  0:*) ;;
  *"no crontab for"*) [ "$verb" = count ] || fail "$of has no crontab"; printf 'absent yes\nend\n'; exit 0 ;;
  *) fail "the crontab of $of cannot be read: $text" ;;
esac
if [ "$verb" = count ]; then printf '%s' "$text" | change count; exit 0; fi
printf '%s' "$text" | change "$verb" | crontab_of - || fail "the crontab of $of could not be written"
)sh";

bool is_crontab(const Deployer& deployer) { return deployer.kind == "cron" || deployer.kind == "crontab"; }
bool is_in_cluster(const Deployer& deployer) { return deployer.kind == "argocd" || deployer.kind == "flux"; }
std::string object_of(const Deployer& deployer) { return get_string(deployer.args, "object"); }

host::Command crontab_command(const Deployer& deployer, const std::string& verb) {
  host::Command made =
      host::shell(std::string("set -e\n") + kCrontabStart + (deployer.kind == "cron" ? kCronFile : kOwnCrontab),
                  {verb, object_of(deployer), get_string(deployer.args, "match")});
  made.timeout = kDeployerTime;
  return made;
}

/// kubectl, for the object; `words` follow.
host::Command kubectl(const Deployer& deployer, const std::string& verb, const std::vector<std::string>& words) {
  static const std::map<std::string, std::string, std::less<>> kResources = {
      {"kustomization", "kustomizations.kustomize.toolkit.fluxcd.io"},
      {"helmrelease", "helmreleases.helm.toolkit.fluxcd.io"},
      {"gitrepository", "gitrepositories.source.toolkit.fluxcd.io"},
      {"imagerepository", "imagerepositories.image.toolkit.fluxcd.io"},
      {"imageupdateautomation", "imageupdateautomations.image.toolkit.fluxcd.io"}};
  const std::string object = object_of(deployer);
  const size_t slash = object.find('/');
  const auto resource = kResources.find(object.substr(0, slash));
  host::Command made{.argv = {"kubectl"}};
  for (const char* option : {"context", "kubeconfig"})
    if (const std::string value = get_string(deployer.args, option); !value.empty())
      made.argv.push_back(fmt::format("--{}={}", option, value));
  made.argv.insert(
      made.argv.end(),
      {"--namespace=" + get_string(deployer.args, "namespace"), "--request-timeout=20s", verb,
       deployer.kind == "argocd" || resource == kResources.end() ? "applications.argoproj.io" : resource->second,
       slash == std::string::npos ? object : object.substr(slash + 1)});
  made.argv.insert(made.argv.end(), words.begin(), words.end());
  made.timeout = kDeployerTime;
  return made;
}

host::Command patch_of(const Deployer& deployer, const Json& value) {
  return kubectl(deployer, "patch", {"--type=merge", "--patch=" + value.dump()});
}

host::Command deployer_command(std::vector<std::string> argv) {
  host::Command made{.argv = std::move(argv)};
  made.timeout = kDeployerTime;
  return made;
}

Error refused_by(const Deployer& deployer, const host::CommandResult& answer) {
  std::string words = one_line(trimmed(answer.err.empty() ? answer.out : answer.err));
  if (words.empty()) words = answer.why_not_ok();
  return {Code::kUnavailable, fmt::format("{}: {}", words_for(deployer), shortened(words, 300)),
          "look yourself; auto_deploys in backout.yaml names it"};
}

/// Argo CD: with `automated` there it syncs; since 2.14 {"enabled": false} in it turns it off.
Result<DeployerState> state_in_cluster(const Deployer& deployer, const host::CommandResult& answer) {
  const auto value = parse_json(answer.out);
  if (!value || !get(*value, "spec").is_object())
    return Error{Code::kCorrupt, words_for(deployer) + ": kubectl's answer is no such object", ""};
  const Json& spec = (*value)["spec"];
  if (deployer.kind == "flux") return DeployerState{true, get_bool(spec, "suspend"), Json()};
  const Json& automated = get(get(spec, "syncPolicy"), "automated");
  if (!automated.is_object()) return DeployerState{true, true, Json()};
  return DeployerState{true, !get_bool(automated, "enabled", true), automated};
}

Result<DeployerState> state_in_crontab(const Deployer& deployer, const host::CommandResult& answer) {
  std::map<std::string, std::string> facts;
  for (const std::string& line : split(answer.out, '\n'))
    if (const size_t space = line.find(' '); space != std::string::npos)
      facts[line.substr(0, space)] = line.substr(space + 1);
  if (!trimmed(answer.out).ends_with("end"))
    return Error{Code::kCorrupt, words_for(deployer) + ": the look was cut off", ""};
  const bool nothing = facts.contains("absent") || (facts["jobs"] == "0" && facts["parked"] == "0");
  return DeployerState{!nothing, nothing || facts["jobs"] == "0", Json()};
}

}  // namespace

Result<Deployer> deployer_from(const Json& args) {
  Deployer deployer{TRY(text_argument(args, "name")), TRY(text_argument(args, "kind")), args};
  if (deployer.kind == "run") {
    for (const char* key : {"pause", "resume", "paused"}) TRY(command_argument(args, key));
    return deployer;
  }
  if (deployer.kind != "container" && deployer.kind != "timer" && !is_crontab(deployer) && !is_in_cluster(deployer))
    return Error{Code::kInvalid, "'" + one_line(deployer.kind) + "' is no kind of auto-deploy",
                 "see docs/auto-deploys.md"};
  const std::string object =
      deployer.kind == "cron" ? TRY(path_argument(args, "object")) : TRY(text_argument(args, "object"));
  if (object.front() == '-') return Error{Code::kInvalid, "'" + one_line(object) + "' begins with -", ""};
  if (is_in_cluster(deployer)) TRY(text_argument(args, "namespace"));
  return deployer;
}

std::string words_for(const Deployer& deployer) {
  const std::string object = one_line(object_of(deployer));
  if (deployer.kind == "argocd") return "Argo CD's automated sync of " + object;
  if (deployer.kind == "flux") return "Flux's " + object;
  if (deployer.kind == "container") return "the container " + object;
  if (deployer.kind == "cron") return "what " + object + " begins";
  if (deployer.kind == "crontab") return "what the crontab of " + object + " begins";
  if (deployer.kind == "timer") return "the timer " + object;
  return one_line(deployer.name);
}

host::Command look_command(const Deployer& deployer) {
  if (is_in_cluster(deployer)) return kubectl(deployer, "get", {"--output=json"});
  if (is_crontab(deployer)) return crontab_command(deployer, "count");
  if (deployer.kind == "container")
    return deployer_command({get_string(deployer.args, "engine", "docker"), "container", "inspect",
                             "--format={{.State.Status}}", object_of(deployer)});
  if (deployer.kind == "timer")
    return deployer_command({"systemctl", "show", "--property=LoadState,ActiveState", object_of(deployer)});
  const auto own = command_argument(deployer.args, "paused");
  return own ? *own : host::Command();
}

Result<host::Command> pause_command(const Deployer& deployer) {
  if (deployer.kind == "argocd") return patch_of(deployer, {{"spec", {{"syncPolicy", {{"automated", nullptr}}}}}});
  if (deployer.kind == "flux") return patch_of(deployer, {{"spec", {{"suspend", true}}}});
  if (is_crontab(deployer)) return crontab_command(deployer, "pause");
  // Paused already is an error of docker, and no fault.
  if (deployer.kind == "container")
    return host::shell(
        "[ \"$(\"$1\" container inspect --format='{{.State.Status}}' \"$2\")\" != running ] || \"$1\" pause \"$2\"",
        {get_string(deployer.args, "engine", "docker"), object_of(deployer)});
  if (deployer.kind == "timer") return deployer_command({"systemctl", "stop", object_of(deployer)});
  return command_argument(deployer.args, "pause");
}

Result<host::Command> resume_command(const Deployer& deployer, const Json& was) {
  if (deployer.kind == "argocd") {
    if (!was.is_object()) return Error{Code::kInvalid, "'was' does not say which automated sync there was", ""};
    return patch_of(deployer, {{"spec", {{"syncPolicy", {{"automated", was}}}}}});
  }
  if (deployer.kind == "flux") return patch_of(deployer, {{"spec", {{"suspend", false}}}});
  if (is_crontab(deployer)) return crontab_command(deployer, "resume");
  if (deployer.kind == "container")
    return host::shell(
        "[ \"$(\"$1\" container inspect --format='{{.State.Status}}' \"$2\")\" != paused ] || \"$1\" unpause \"$2\"",
        {get_string(deployer.args, "engine", "docker"), object_of(deployer)});
  if (deployer.kind == "timer") return deployer_command({"systemctl", "start", object_of(deployer)});
  return command_argument(deployer.args, "resume");
}

Result<DeployerState> state_in(const Deployer& deployer, const host::CommandResult& answer) {
  if (answer.timed_out || answer.cancelled || answer.signal != 0) return refused_by(deployer, answer);
  if (deployer.kind == "run") {
    if (answer.exit_status > 1) return refused_by(deployer, answer);
    return DeployerState{true, answer.exit_status == 0, Json()};
  }
  const std::string words = std::string(trimmed(answer.out));
  if (deployer.kind == "container") {
    const bool absent = answer.err.find("No such container") != std::string::npos ||
                        answer.err.find("no such container") != std::string::npos;
    if (!answer.ok() && !absent) return refused_by(deployer, answer);
    return DeployerState{!absent, absent || words != "running", Json()};
  }
  if (!answer.ok()) return refused_by(deployer, answer);
  if (is_in_cluster(deployer)) return state_in_cluster(deployer, answer);
  if (is_crontab(deployer)) return state_in_crontab(deployer, answer);
  const std::vector<std::string> lines = split(words, '\n');
  const auto has = [&](const char* line) { return std::find(lines.begin(), lines.end(), line) != lines.end(); };
  if (lines.size() < 2) return refused_by(deployer, answer);
  return DeployerState{!has("LoadState=not-found"), !has("ActiveState=active") && !has("ActiveState=activating"),
                       Json()};
}

}  // namespace backout::drivers
