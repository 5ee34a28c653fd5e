#include "drivers/auto_deploy/deployer.h"

#include <map>

#include "base/text.h"
#include "drivers/auto_deploy/crontab_scripts.h"
#include "drivers/command/arguments.h"

namespace backout::drivers {
namespace {

constexpr Millis kDeployerTime{30'000};

// Its restart policy first: from then on nothing starts it again by itself, not even a reboot. Arguments: engine, name.
constexpr const char* kContainerState =
    "{{.State.Status}} {{.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount}}";

// Podman has nobody who starts a container again that was stopped, but for this unit at a boot, and that takes those of
// the policy "always" alone (podman-restart.service(1)). Where it is enabled, for the system or for users, it is a
// link.
constexpr const char* kStartsAtBoot = R"sh(
starts_at_boot() {
  for unit in /etc/systemd/system /run/systemd/system /lib/systemd/system /etc/systemd/user /usr/lib/systemd/user \
    "${XDG_CONFIG_HOME:-${HOME-/root}/.config}/systemd/user"; do
    for unit in "$unit"/*.wants/podman-restart.service; do [ ! -L "$unit" ] || return 0; done
  done
  return 1
}
)sh";

// Arguments: name, format.
constexpr const char* kLookAtPodman = R"sh(
told=$(podman container inspect --format="$2" "$1") || exit
! starts_at_boot || told="$told boot"
printf '%s\n' "$told"
)sh";

constexpr const char* kPauseContainer = R"sh(
engine=$1 container=$2
restarts() { "$engine" container inspect --format='{{.HostConfig.RestartPolicy.Name}}' "$container"; }
state() { "$engine" container inspect --format='{{.State.Status}}' "$container"; }
case $(restarts) in
  ''|no) ;;
  *) "$engine" update --restart=no "$container" >/dev/null || {
       if [ "$engine" != podman ] || { [ "$(restarts)" = always ] && starts_at_boot; }; then
         echo "$engine cannot change the restart policy of $container: a reboot would let it go on" >&2; exit 1
       fi
       echo "$engine cannot change the restart policy of $container, so it is stopped"
       "$engine" stop "$container" >/dev/null; exit; } ;;
esac
case $(state) in
  running) "$engine" pause "$container" ;;
  restarting) "$engine" stop "$container" ;;
esac
)sh";

// Arguments: engine, name, policy, "running" when it ran.
constexpr const char* kResumeContainer = R"sh(
engine=$1 container=$2
if [ "$4" = running ]; then
  case $("$engine" container inspect --format='{{.State.Status}}' "$container") in
    paused) "$engine" unpause "$container" ;;
    running|restarting) ;;
    *) "$engine" start "$container" ;;
  esac
fi
[ "$("$engine" container inspect --format='{{.HostConfig.RestartPolicy.Name}}' "$container")" = "${3%%:*}" ] ||
  "$engine" update --restart="$3" "$container" >/dev/null
)sh";

// A drop-in, and neither `disable` nor `mask`: it holds any unit there is, enabled, static or wanted by another one,
// over a reboot and against `systemctl start`, and taking it away leaves everything as it was found. Arguments: unit,
// directory.
constexpr const char* kPauseTimer = R"sh(
unit=$1 place=$2/$1.d
fail() { printf '%s\n' "$1" >&2; exit 1; }
[ "$(systemctl show --property=LoadState --value -- "$unit")" != not-found ] || fail "there is no unit $unit"
if [ ! -e "$place/90-backout-paused.conf" ]; then
  mkdir -p -- "$place" &&
    printf '%s\n' '# backout keeps this from starting until the cause of the release that was rolled back is resolved.' \
      '[Unit]' 'ConditionPathExists=/run/systemd/no-such-path-while-paused-by-backout' >"$place/.backout-paused.new" &&
    sync -- "$place/.backout-paused.new" && mv -f -T -- "$place/.backout-paused.new" "$place/90-backout-paused.conf" &&
    sync -- "$place" || fail "$place cannot be written"
fi
systemctl daemon-reload
systemctl stop "$unit"
)sh";

// Arguments: unit, directory, "running" when it ran.
constexpr const char* kResumeTimer = R"sh(
unit=$1 place=$2/$1.d
rm -f -- "$place/90-backout-paused.conf" "$place/.backout-paused.new"
rmdir -- "$place" 2>/dev/null || :
systemctl daemon-reload
[ "$3" != running ] || systemctl start "$unit"
)sh";

bool is_crontab(const Deployer& deployer) { return deployer.kind == "cron" || deployer.kind == "crontab"; }
bool is_in_cluster(const Deployer& deployer) { return deployer.kind == "argocd" || deployer.kind == "flux"; }
std::string object_of(const Deployer& deployer) { return get_string(deployer.args, "object"); }

host::Command crontab_command(const Deployer& deployer, const std::string& verb) {
  host::Command made =
      host::shell(std::string("set -e\n") + kCrontabStart + (deployer.kind == "cron" ? kCronFile : kOwnCrontab),
                  {verb, object_of(deployer), get_string(deployer.args, "match"),
                   get_string(deployer.args, "copy", "by-hand"), get_string(deployer.args, "keep")});
  made.timeout = kDeployerTime;
  return made;
}

// Arguments: kubeconfig or nothing, context and server as they were found, then the command. `use-context` does not
// matter, because the command names its context; that it still means the same cluster is asked.
constexpr const char* kWhereItLed = R"sh(
kubeconfig=$1 context=$2 server=$3
shift 3
now=$(kubectl ${kubeconfig:+"--kubeconfig=$kubeconfig"} ${context:+"--context=$context"} config view --minify \
  -o 'jsonpath={.current-context} {.clusters[0].cluster.server}' 2>/dev/null) || now=' '
if [ "$now" != "$context $server" ]; then
  printf 'kubectl leads to %s now, and not to %s: nothing is done there\n' "'$now'" "'$context $server'" >&2
  exit 3
fi
exec "$@"
)sh";

std::vector<std::string> kubectl_start(const Deployer& deployer) {
  std::vector<std::string> argv = {"kubectl"};
  const std::string kubeconfig = get_string(deployer.args, "kubeconfig");
  const std::string found = get_string(get(deployer.args, "cluster"), "context");
  const std::string context = get_string(deployer.args, "context", found);
  if (!context.empty()) argv.push_back("--context=" + context);
  if (!kubeconfig.empty()) argv.push_back("--kubeconfig=" + kubeconfig);
  return argv;
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
  host::Command made{.argv = kubectl_start(deployer)};
  made.argv.insert(
      made.argv.end(),
      {"--namespace=" + get_string(deployer.args, "namespace"), "--request-timeout=20s", verb,
       deployer.kind == "argocd" || resource == kResources.end() ? "applications.argoproj.io" : resource->second,
       slash == std::string::npos ? object : object.substr(slash + 1)});
  made.argv.insert(made.argv.end(), words.begin(), words.end());
  if (const Json& cluster = get(deployer.args, "cluster"); cluster.is_object()) {
    std::vector<std::string> given = {get_string(deployer.args, "kubeconfig"), get_string(cluster, "context"),
                                      get_string(cluster, "server")};
    given.insert(given.end(), made.argv.begin(), made.argv.end());
    made = host::shell(kWhereItLed, std::move(given));
  }
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
  if (deployer.kind == "flux") return DeployerState{.there = true, .paused = get_bool(spec, "suspend")};
  const Json& automated = get(get(spec, "syncPolicy"), "automated");
  if (!automated.is_object()) return DeployerState{.there = true, .paused = true};
  return DeployerState{.there = true, .paused = !get_bool(automated, "enabled", true), .was = automated};
}

Result<DeployerState> state_in_crontab(const Deployer& deployer, const host::CommandResult& answer) {
  std::map<std::string, std::string> facts;
  for (const std::string& line : split(answer.out, '\n'))
    if (const size_t space = line.find(' '); space != std::string::npos)
      facts[line.substr(0, space)] = line.substr(space + 1);
  if (!trimmed(answer.out).ends_with("end"))
    return Error{Code::kCorrupt, words_for(deployer) + ": the look was cut off", ""};
  if (facts.contains("absent")) return DeployerState{.there = false};
  const bool goes_on = facts["jobs"] != "0", rests = facts["parked"] != "0";
  return DeployerState{
      .there = goes_on || rests, .paused = !goes_on && rests, .as_found = goes_on && !facts.contains("saved")};
}

/// Docker starts again after a reboot what has a policy, but for what somebody had stopped; with "always" that, too.
Result<DeployerState> state_of_container(const Deployer& deployer, const host::CommandResult& answer) {
  if (answer.err.find("No such container") != std::string::npos ||
      answer.err.find("no such container") != std::string::npos)
    return DeployerState{.there = false};
  if (!answer.ok()) return refused_by(deployer, answer);
  std::vector<std::string> words = split(trimmed(answer.out), ' ');
  words.resize(4);  // without a policy the second one is empty
  if (words[0].empty()) return refused_by(deployer, answer);
  std::string policy = words[1].empty() ? "no" : words[1];
  const bool stopped = words[0] == "exited" || words[0] == "created" || words[0] == "dead";
  const bool podman = get_string(deployer.args, "engine") == "podman", boot = podman && words[3] == "boot";
  const bool starts = policy == "always" && (!podman || boot);
  const bool paused = policy == "no" ? stopped || words[0] == "paused" : stopped && !starts;
  if (policy == "on-failure" && !words[2].empty() && words[2] != "0") policy += ":" + words[2];
  Json was = {{"state", words[0]}, {"restart", policy}};
  if (boot) was["boot"] = true;
  return DeployerState{.there = true, .paused = paused, .was = std::move(was)};
}

Result<DeployerState> state_of_timer(const Deployer& deployer, const host::CommandResult& answer) {
  std::map<std::string, std::string> facts;
  for (const std::string& line : split(answer.out, '\n'))
    if (const size_t equals = line.find('='); equals != std::string::npos)
      facts[line.substr(0, equals)] = std::string(trimmed(line.substr(equals + 1)));
  if (!facts.contains("LoadState") || !facts.contains("ActiveState")) return refused_by(deployer, answer);
  if (facts["LoadState"] == "not-found") return DeployerState{.there = false};
  const bool up = facts["ActiveState"] == "active" || facts["ActiveState"] == "activating";
  const bool held = facts["DropInPaths"].find("90-backout-paused.conf") != std::string::npos;
  const std::string& enabled = facts["UnitFileState"];
  const bool starts = !held && enabled != "disabled" && !enabled.starts_with("masked");
  return DeployerState{.there = true, .paused = !up && !starts, .as_found = !held, .was = {{"running", up}}};
}

bool ran(const Json& was) {
  const std::string state = get_string(was, "state", "running");
  return state == "running" || state == "restarting";
}

std::string unit_of(const Deployer& deployer) {
  const std::string object = object_of(deployer);
  return object.ends_with(".timer") ? object : object + ".timer";
}

host::Command timer_command(const Deployer& deployer, const char* script, const std::string& how) {
  host::Command made = host::shell(std::string("set -e\n") + script,
                                   {unit_of(deployer), get_string(deployer.args, "units", "/etc/systemd/system"), how});
  made.timeout = kDeployerTime;
  return made;
}

host::Command container_command(const Deployer& deployer, const char* script, std::vector<std::string> words) {
  words.insert(words.begin(), {get_string(deployer.args, "engine", "docker"), object_of(deployer)});
  host::Command made = host::shell(std::string("set -e\n") + kStartsAtBoot + script, std::move(words));
  made.timeout = kDeployerTime;
  return made;
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
  const bool is_a_name = deployer.kind == "crontab" || deployer.kind == "timer" || deployer.kind == "container";
  if (is_a_name && object.find('/') != std::string::npos)
    return Error{Code::kInvalid, "'" + one_line(object) + "' is a path, and a name is needed", ""};
  if (get_string(args, "copy").find('/') != std::string::npos) return Error{Code::kInvalid, "'copy' is a path", ""};
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

host::Command place_command(const Deployer& deployer) {
  host::Command made;
  if (!is_in_cluster(deployer)) return made;
  made.argv = kubectl_start(deployer);
  made.argv.insert(made.argv.end(),
                   {"config", "view", "--minify", "-o", "jsonpath={.current-context} {.clusters[0].cluster.server}"});
  made.timeout = kDeployerTime;
  return made;
}

Result<Json> place_in(const Deployer& deployer, const host::CommandResult& answer) {
  const bool none = answer.err.find("current-context must exist") != std::string::npos;
  if (!answer.ok() && !none) return refused_by(deployer, answer);
  const std::string words = none ? " " : answer.out;
  const size_t space = words.find(' ');
  if (space == std::string::npos || words != one_line(words)) return refused_by(deployer, answer);
  return Json{{"context", words.substr(0, space)}, {"server", words.substr(space + 1)}};
}

host::Command look_command(const Deployer& deployer) {
  if (is_in_cluster(deployer)) return kubectl(deployer, "get", {"--output=json"});
  if (is_crontab(deployer)) return crontab_command(deployer, "count");
  if (deployer.kind == "container" && get_string(deployer.args, "engine") == "podman") {
    host::Command made =
        host::shell(std::string(kStartsAtBoot) + kLookAtPodman, {object_of(deployer), kContainerState});
    made.timeout = kDeployerTime;
    return made;
  }
  if (deployer.kind == "container")
    return deployer_command({get_string(deployer.args, "engine", "docker"), "container", "inspect",
                             std::string("--format=") + kContainerState, object_of(deployer)});
  if (deployer.kind == "timer")
    return deployer_command(
        {"systemctl", "show", "--property=LoadState,ActiveState,UnitFileState,DropInPaths", unit_of(deployer)});
  const auto own = command_argument(deployer.args, "paused");
  return own ? *own : host::Command();
}

host::Command try_command(const Deployer& deployer) {
  if (!is_in_cluster(deployer)) return {};
  return kubectl(deployer, "patch", {"--dry-run=server", "--type=merge", "--patch={}"});
}

Result<host::Command> pause_command(const Deployer& deployer) {
  if (deployer.kind == "argocd") return patch_of(deployer, {{"spec", {{"syncPolicy", {{"automated", nullptr}}}}}});
  if (deployer.kind == "flux") return patch_of(deployer, {{"spec", {{"suspend", true}}}});
  if (is_crontab(deployer)) return crontab_command(deployer, "pause");
  if (deployer.kind == "container") return container_command(deployer, kPauseContainer, {});
  if (deployer.kind == "timer") return timer_command(deployer, kPauseTimer, "");
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
    return container_command(deployer, kResumeContainer, {get_string(was, "restart", "no"), ran(was) ? "running" : ""});
  if (deployer.kind == "timer")
    return timer_command(deployer, kResumeTimer, get_bool(was, "running", true) ? "running" : "");
  return command_argument(deployer.args, "resume");
}

Result<DeployerState> state_in(const Deployer& deployer, const host::CommandResult& answer) {
  if (answer.timed_out || answer.cancelled || answer.signal != 0) return refused_by(deployer, answer);
  if (deployer.kind == "run") {
    if (answer.exit_status > 1) return refused_by(deployer, answer);
    return DeployerState{.there = true, .paused = answer.exit_status == 0, .as_found = answer.exit_status == 1};
  }
  if (deployer.kind == "container") return state_of_container(deployer, answer);
  if (!answer.ok()) return refused_by(deployer, answer);
  if (is_in_cluster(deployer)) return state_in_cluster(deployer, answer);
  return is_crontab(deployer) ? state_in_crontab(deployer, answer) : state_of_timer(deployer, answer);
}

bool goes_on_as(const Deployer& deployer, const DeployerState& now, const Json& was) {
  if (!now.there) return false;
  if (deployer.kind == "container")
    return get_string(now.was, "restart") == get_string(was, "restart", "no") && (ran(now.was) || !ran(was));
  if (deployer.kind == "timer")
    return now.as_found && (get_bool(now.was, "running") || !get_bool(was, "running", true));
  return !now.paused && now.as_found;
}

}  // namespace backout::drivers
