#include "drivers/compose/ready.h"

#include <algorithm>

#include "base/text.h"
#include "drivers/code/facts.h"
#include "drivers/code/saved_config.h"
#include "drivers/compose/arguments.h"
#include "drivers/compose/looks.h"
#include "drivers/compose/project.h"

namespace backout::drivers::compose {
namespace {

constexpr uint64_t kRoom = 100'000'000;  // containers, their logs, and the daemon's own state

/// project version path: what `ready` asks: whether images are built from `path` with all that lies there, where Docker
/// keeps its data, what is protected, and which containers do not hear SIGTERM: a process 1 that does not catch it is
/// only ended by KILL, ten seconds later.
constexpr std::string_view kLookForReady = R"sh(
project=$1 version=$2
usable
[ ! -f "$3/Dockerfile" ] || grep -qsE '^/?(\*\*/)?\.(backout|\*)' "$3/.dockerignore" || echo 'context open'
printf 'root %s\n' "$(docker info -f '{{.DockerRootDir}}')"
ids=$(docker ps -aq --filter "label=backout.keeps=$project" --filter "label=backout.version=$version")
[ -z "$ids" ] || docker inspect --type container -f 'pinned {{.Image}}' $ids
ids=$(docker ps -q --filter "label=com.docker.compose.project=$project")
[ -z "$ids" ] || docker inspect --type container -f '{{.State.Pid}} {{index .Config.Labels "com.docker.compose.service"}} {{or .Config.StopSignal "SIGTERM"}}' $ids |
  while read -r pid service signal; do
    case $signal in SIGTERM|TERM|15) ;; *) continue ;; esac
    caught=$(sed -n 's/^SigCgt:[ \t]*//p' "/proc/$pid/status" 2>/dev/null) || continue
    case $(cat "/proc/$pid/comm" 2>/dev/null) in docker-init|tini*|dumb-init|catatonit) continue ;; esac  # it waits for it
    [ -z "$caught" ] || [ $((0x$caught & 0x4000)) -ne 0 ] || printf 'deaf %s\n' "$service"
  done
echo end
)sh";

/// digest: whether its registry would give it. A registry without TLS is asked as well, as a daemon that is told to
/// does.
constexpr std::string_view kLookAtRegistry = R"sh(
asked() { timeout 25 docker manifest inspect "$@" 2>&1; }
if said=$(asked "$1") || other=$(asked --insecure "$1"); then
  echo 'given yes'
else
  case $said in *TLS*|*tls:*|*HTTPS*) said=$other ;; esac  # it speaks no TLS: its own word is that of the second try
  said=$(printf '%s\n' "$said" | tail -n 1)
  case $said in *'no such manifest'*) said='its registry does not have it any more, or wants another login' ;; esac  # to docker it is one
  printf 'why %s\n' "${said:-no answer within 25 seconds}"
fi
echo end
)sh";

Finding finding(const char* id, Severity severity, std::string what, std::string next = "") {
  return {id, severity, "", "", std::move(what), std::move(next), Json::object()};
}

}  // namespace

driver::Readiness readiness(const driver::Offering& offering, host::Host& host, driver::Depth depth,
                            std::stop_token stop) {
  using driver::Need;
  driver::Readiness readiness;
  const auto found = offering.seen.find(host.name().str());
  if (found == offering.seen.end()) return readiness;
  const Json& seen = found->second;
  const std::string tool = get_string(seen, "tool"), to = offering.to.str();
  readiness.needs.push_back({Need::Kind::kTool, "docker", "to bring " + to + " back"});
  if (tool == "docker-compose") readiness.needs.push_back({Need::Kind::kTool, tool, "to bring " + to + " back"});
  if (tool.empty())
    readiness.findings.push_back(finding("compose.tool", Severity::kRed,
                                         "there is neither docker-compose nor docker compose",
                                         "install the one that the project is run with"));
  const auto facts = look(host, docker_script(kLookForReady),
                          {get_string(seen, "project"), to, get_string(offering.subject, "path")}, "", stop);
  if (!facts) {
    readiness.findings.push_back(
        finding("compose.docker", Severity::kRed, one_line(facts.error().message), "see it: docker info"));
    return readiness;
  }
  if (const std::string root = facts->text("root"); root.starts_with('/'))
    readiness.needs.push_back({Need::Kind::kRoom, root, "docker keeps containers there", "", kRoom});

  if (const Json& config = get(offering.saved, "config"); config.is_object())
    if (const auto set = saved_set(config, get_string(offering.subject, "path")))
      if (const Sight sight = saved_config_sight(*set, host, stop); sight.kind == SightKind::kDoesNotHold)
        readiness.findings.push_back(finding("compose.saved", Severity::kRed,
                                             sight.why + ", so " + to + " cannot go back",
                                             "find out what removed it; until then go back to another release"));
  if (facts->has("context"))
    readiness.findings.push_back(finding("compose.context", Severity::kWarning,
                                         "an image that is built from " + get_string(offering.subject, "path") +
                                             " may take .backout in, with saved files",
                                         "put a line into .dockerignore: .backout"));
  const auto saved = images_argument(get(get(offering.saved, "on_hosts"), host.name().str()), "images");
  const std::vector<std::string>& pinned = facts->all("pinned");
  const Json& present = get(seen, "present");
  for (const Image& image : saved ? *saved : std::vector<Image>()) {
    const bool here = std::find(present.begin(), present.end(), Json(image.image)) != present.end();
    if (here && std::find(pinned.begin(), pinned.end(), image.image) == pinned.end())
      readiness.findings.push_back(
          finding("compose.image", Severity::kWarning,
                  fmt::format("{} of {} is here, and nothing protects it from `docker image prune -a`", image.ref,
                              image.service),
                  "a checkpoint taken while " + to +
                      " runs protects it; do not prune containers that are called backout-keeps-*"));
    if (here) continue;
    std::string why;
    bool gone = image.digest.empty();
    if (!gone && depth == driver::Depth::kProve) {
      const auto asked = look(host, docker_script(kLookAtRegistry), {image.digest}, "", stop, Millis(90'000));
      gone = !asked || !asked->has("given");
      why = ": " + shortened(one_line(asked ? asked->text("why") : asked.error().message), 200);
    }
    readiness.findings.push_back(
        gone ? finding("compose.image", Severity::kRed,
                       fmt::format("the image of {} is gone here, and cannot be pulled: {}{}", image.service, image.ref,
                                   image.digest.empty() ? "" : why),
                       why.find("uthori") != std::string::npos || why.find("login") != std::string::npos
                           ? "docker login, as the user who runs the containers; docker pull then tells more"
                           : "bring it back: docker load, or push it to its registry again")
             : finding("compose.image", Severity::kWarning,
                       fmt::format("the image of {} must be pulled: {}", image.service, image.digest),
                       "pull it now: docker pull " + image.digest));
  }
  const Json named = get(offering.subject, "config"), tracked = get(seen, "tracked");
  const auto mounted = [&](const Json& each, Severity severity, const char* words) {
    const std::string file = get_string(each, "file");
    if (is_accounted_for(file, named, offering.subject) || is_accounted_for(file, get(seen, "files"), Json()) ||
        file == get_string(offering.subject, "env_file"))
      return false;
    readiness.findings.push_back(
        finding("compose.mount", severity,
                fmt::format("{} has {} of the host mounted: {}", get_string(each, "service"), file, words),
                "files of a release go back when code.config names them; what is no part of one: code.compose.data"));
    return true;
  };
  bool red = false;
  for (const Json& each : tracked.is_array() ? tracked : Json::array())
    if (!red) red = mounted(each, Severity::kRed, "git has it as code, and no image brings it back");
  for (const Json& each : !red && get(seen, "mounts").is_array() ? get(seen, "mounts") : Json::array()) {
    const std::string place = get_string(each, "file") + "/";
    const bool known = std::any_of(named.begin(), named.end(), [&](const Json& file) {
      return file.is_string() && file.get<std::string>().starts_with(place);
    });
    const bool is_of_git = std::any_of(tracked.begin(), tracked.end(),
                                       [&](const Json& file) { return get_string(file, "file").starts_with(place); });
    if (!known && !is_of_git) mounted(each, Severity::kWarning, "no image tells what is in it");
  }
  for (const std::string& service : facts->all("deaf"))
    readiness.findings.push_back(finding("compose.stop", Severity::kWarning,
                                         service + " does not hear SIGTERM: each switch waits ten seconds for it",
                                         "in the compose file: init: true, or a stop_signal that it hears"));
  return readiness;
}

}  // namespace backout::drivers::compose
