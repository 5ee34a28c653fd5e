// The looks of the compose driver, as POSIX sh. Data reaches them as "$1".. and is never part of their text; what they
// print are lines "key value" (drivers/code/facts.h). Container environments, where secrets are, are never asked for.
#pragma once
#include <string>
#include <string_view>

#include "drivers/code/script.h"

namespace backout::drivers::compose {

/// usable: fails, with words, where Docker cannot be asked. of_project: ids of the containers of project $project,
/// whatever their state. inspected: a line "container JSON" for each.
inline constexpr std::string_view kDocker = R"sh(
# Without what Compose quotes of the files when it cannot read them: secrets are there.
unquoted() { sed '/nterpolation\|variable name\|near "/s/\(: "\|near "\|near \).*/\1(not shown)/'; }
usable() {
  command -v docker >/dev/null 2>&1 || fail 'there is no docker on this host'
  said=$(docker version -f '{{.Server.Version}}' 2>&1) || fail "docker does not answer: $(printf '%s' "$said" | tail -n 1)"
}
of_project() {
  docker ps -aq --no-trunc --filter "label=com.docker.compose.project=$project" 2>/dev/null ||
    { usable; fail 'docker does not list containers'; }
}
inspected() {
  [ "$#" -gt 0 ] || return 0
  # One that goes away between the list and the look makes docker fail after it has told of the others.
  docker inspect --type container -f 'container {"service":{{json (index .Config.Labels "com.docker.compose.service")}},"image":{{json .Image}},"ref":{{json .Config.Image}},"state":{{json .State.Status}},"health":{{if .State.Health}}{{json .State.Health.Status}}{{else}}""{{end}},"restarts":{{.RestartCount}},"started":{{json .State.StartedAt}},"exit":{{.State.ExitCode}},"oneoff":{{json (index .Config.Labels "com.docker.compose.oneoff")}},"name":{{json .Name}},"restart":{{json .HostConfig.RestartPolicy.Name}},"published":{{json .HostConfig.PortBindings}},"exposed":{{json .Config.ExposedPorts}},"config":{{json (index .Config.Labels "com.docker.compose.config-hash")}},"tool":{{json (index .Config.Labels "com.docker.compose.version")}}}' "$@" 2>/dev/null || usable
}
)sh";

/// setting NAME: a variable of the env file. Then $project is found where it was not said: that of the containers made
/// from $path, else as Compose names it.
inline constexpr std::string_view kFindProject = R"sh(
setting() {  # NAME: its value in the env file, as Compose reads it: the last one, without quotes
  [ ! -f "$env_file" ] || sed -n "s/^[ \t]*\(export[ \t]*\)\{0,1\}$1[ \t]*=[ \t]*//p" "$env_file" | tail -n 1 |
    sed "s/[ \t\r]*\$//; s/^\"\(.*\)\"\$/\1/; s/^'\(.*\)'\$/\1/"
}
if [ -z "$project" ]; then
  project=$(docker ps -a --filter "label=com.docker.compose.project.working_dir=$(pwd -P)" --format '{{.Label "com.docker.compose.project"}}' | sort -u | paste -s -d ' ' -)
  case $project in *' '*) printf 'projects %s\n' "$project"; echo end; exit 0 ;; esac
  [ -n "$project" ] || project=${COMPOSE_PROJECT_NAME-}
  [ -n "$project" ] || project=$(setting COMPOSE_PROJECT_NAME)
  [ -n "$project" ] || project=$(basename "$(pwd -P)" | tr 'A-Z' 'a-z' | tr -cd 'a-z0-9_-')
fi
)sh";

/// path project env_file tag ...: how looks at a project begin.
inline constexpr std::string_view kEnter = R"sh(
path=$1 project=$2 env_file=$3 tag=$4; shift 4
[ -d "$path" ] || { echo 'path none'; echo end; exit 0; }
cd "$path"
)sh";
/// ... file...: everything that a plan needs.
inline constexpr std::string_view kObserve = R"sh(
! command -v docker-compose >/dev/null 2>&1 || echo 'standalone yes'
! docker compose version --short >/dev/null 2>&1 </dev/null || echo 'plugin yes'
# The file that Compose takes when it is not told, and what lies over it; the old one and the new one prefer another.
if [ "$#" -eq 0 ]; then
  for name in compose.yaml compose.yml docker-compose.yml docker-compose.yaml; do
    [ -f "$name" ] || continue
    printf 'file %s\n' "$path/$name"
    for over in "${name%.*}.override.yml" "${name%.*}.override.yaml"; do
      [ ! -f "$over" ] || printf 'file %s\n' "$path/$over"
    done
  done
else
  for name; do [ ! -f "$name" ] || printf 'file %s\n' "$name"; done
fi
printf 'project %s\n' "$project"
[ -z "$tag" ] || printf 'tag %s\n' "$(setting "$tag")"
[ -z "$(setting COMPOSE_FILE)${COMPOSE_FILE-}" ] || echo 'elsewhere COMPOSE_FILE'
printf 'now %s\n' "$(date +%s%3N)"
ids=$(of_project)
inspected $ids
docker image ls --no-trunc --format 'image {{.ID}} {{.Repository}}:{{.Tag}}'
images=$([ -z "$ids" ] || docker inspect --type container -f '{{.Image}}' $ids 2>/dev/null | sort -u)
[ -z "$images" ] || docker image inspect -f 'digests {{.Id}}{{range .RepoDigests}} {{.}}{{end}}' $images 2>/dev/null || :
echo end
)sh";

/// ... whose ref...: what runs, and what these names of images are here; `whose` all: and those of the containers.
inline constexpr std::string_view kLookAtContainers = R"sh(
whose=$1; shift
ids=$(of_project)
inspected $ids
printf 'now %s\n' "$(date +%s%3N)"
{
  for ref; do printf '%s\n' "$ref"; done
  [ -z "$ids" ] || [ "$whose" != all ] || docker inspect --type container -f '{{.Config.Image}}' $ids 2>/dev/null || :
} | sort -u | while read -r ref; do
  docker image inspect -f "named $ref {{.Id}}" "$ref" 2>/dev/null || usable
done
echo end
)sh";

/// ... made_by value counts services file...: what Compose itself makes of the files as they are, and for the plugin
/// what it would do. Of what it prints, where secrets are, nothing but hashes and numbers is passed on. `value` of the
/// variable `tag`: given to Compose, else (empty) that of the env file. No file: those that Compose finds.
inline constexpr std::string_view kLookAtGiven = R"sh(
made_by=$1 value=$2 version=$3 counts=$4 services=$5; shift 5
tool='docker compose'
old=no
! command -v docker-compose >/dev/null 2>&1 || old=yes
if ! docker compose version --short >/dev/null 2>&1 </dev/null; then tool=docker-compose; fi
case $old:$made_by in yes:1.*) tool=docker-compose ;; esac
[ "$tool" = 'docker compose' ] || [ "$old" = yes ] || fail 'there is neither docker-compose nor docker compose'
for file; do shift; set -- "$@" -f "$file"; done
set -- -p "$project" --project-directory "$path" "$@"
[ ! -f "$env_file" ] || set -- "$@" --env-file "$env_file"
if [ -n "$tag" ] && [ -z "$value" ] && [ -z "$(setting "$tag")" ]; then value=$version; fi
if [ -n "$tag" ] && [ -n "$value" ]; then export "$tag=$value"; fi
printf 'by %s\n' "$($tool version --short 2>/dev/null </dev/null)"
hashes=$($tool "$@" config --hash='*' 2>/dev/null </dev/null) || {
  usable
  fail "$tool config does not end well: $($tool "$@" config --hash='*' 2>&1 </dev/null | unquoted | grep -v '^ *$' | tail -n 1)"
}
printf '%s\n' "$hashes" | sed 's/^/hash /'
if [ "$counts" = yes ]; then
  $tool "$@" config 2>/dev/null </dev/null | awk '
    /^[^ ]/ { inside = $1 == "services:" }
    inside && /^  [^ ].*:$/ { service = $1; sub(/:$/, "", service); gsub(/["\047]/, "", service); next }
    inside && (/^    scale: [0-9]+$/ || /^      replicas: [0-9]+$/) && $2 > 1 { print "wants", service, $2 }'
fi
if [ "$tool" = 'docker compose' ]; then
  $tool --dry-run "$@" up -d --no-build ${services:+--no-deps $services} 2>&1 </dev/null |
    sed -n 's/.*Container \([A-Za-z0-9_.-]*\)  *\([A-Za-z]*\).*/would \1 \2/p'
fi
echo end
)sh";

/// lines "SERVICE REF ID DIGEST" ("-": none): are the images here?
inline constexpr std::string_view kLookAtImages = R"sh(
lines=$1
printf '%s\n' "$lines" | while read -r service ref id digest; do
  name=$id
  [ "$id" != - ] || name=$ref
  docker image inspect -f "there $service" "$name" 2>/dev/null || { usable; printf 'missing %s\n' "$service"; }
done
echo end
)sh";

/// project version: what is protected.
inline constexpr std::string_view kLookAtPins = R"sh(
project=$1 version=$2
usable
ids=$(docker ps -aq --filter "label=backout.keeps=$project" --filter "label=backout.version=$version")
[ -z "$ids" ] || docker inspect --type container -f 'pinned {{.Image}}' $ids
echo end
)sh";

/// project version: what `ready` asks: where Docker keeps its data, what is protected, and which containers do not hear
/// SIGTERM: a process 1 that does not catch it is only ended by KILL, ten seconds later.
inline constexpr std::string_view kLookForReady = R"sh(
project=$1 version=$2
usable
printf 'root %s\n' "$(docker info -f '{{.DockerRootDir}}')"
ids=$(docker ps -aq --filter "label=backout.keeps=$project" --filter "label=backout.version=$version")
[ -z "$ids" ] || docker inspect --type container -f 'pinned {{.Image}}' $ids
ids=$(docker ps -q --filter "label=com.docker.compose.project=$project")
[ -z "$ids" ] || docker inspect --type container -f '{{.State.Pid}} {{index .Config.Labels "com.docker.compose.service"}} {{or .Config.StopSignal "SIGTERM"}}' $ids |
  while read -r pid service signal; do
    case $signal in SIGTERM|TERM|15) ;; *) continue ;; esac
    caught=$(sed -n 's/^SigCgt:[ \t]*//p' "/proc/$pid/status" 2>/dev/null) || continue
    [ -z "$caught" ] || [ $((0x$caught & 0x4000)) -ne 0 ] || printf 'deaf %s\n' "$service"
  done
echo end
)sh";

inline std::string docker_script(std::string_view body) { return script(std::string(kDocker) + std::string(body)); }
inline std::string observe_script(std::string_view body) {
  return docker_script(std::string(kEnter) + std::string(kFindProject) + std::string(body));
}
}  // namespace backout::drivers::compose
