// The looks of the compose driver, as POSIX sh. Data reaches them as "$1".. and is never part of their text; what they
// print are lines "key value" (drivers/code/facts.h). Container environments, where secrets are, are never asked for.
#pragma once
#include <string>
#include <string_view>

#include "drivers/code/script.h"
#include "drivers/compose/env_files.h"
#include "drivers/compose/mounts.h"

namespace backout::drivers::compose {

/// usable: fails, with words, where Docker cannot be asked. of_project: ids of the containers of project $project,
/// whatever their state. inspected: a line "container JSON" for each.
inline constexpr std::string_view kDocker = R"sh(
# Without what Compose quotes of the files when it cannot read them: secrets are there. The plugin quotes a value whole
# in the lines that follow its advice.
unquoted() {
  sed '/^You may need to escape/,$d
    /nterpolati\|variable name\|near "\|template\|quoted value/s/\(: "\|near "\|near \|interpolating {\|quoted value \).*/\1(not shown)/
    s/ contains .*, which is/ contains (not shown), which is/'
}
# What Compose says of its failure, in a line: v1 begins with ERROR; the plugin ends with it, after progress and warnings.
why() {
  unquoted | awk '/^ |^$|^time="|^WARNING|^ERROR: Encountered errors/ { next } tolower($0) ~ /^error/ { said = "" }
    { said = said == "" ? $0 : said " " $0 } END { print substr(said, 1, 400) }'
}
# FILE..., or those that Compose finds.
may_have_profiles() { grep -qsE 'profiles|include|extends' /dev/null "$@" compose.* docker-compose.*; }
profiles() { $tool "$@" config --profiles 2>/dev/null </dev/null | paste -s -d , -; }
usable() {
  command -v docker >/dev/null 2>&1 || fail 'there is no docker on this host'
  server=$(timeout -k 1 15 docker version -f '{{.Server.Version}}' 2>&1) && return
  case $? in 124|137) fail 'docker does not answer within 15 seconds' ;; esac
  fail "docker does not answer: $(printf '%s' "$server" | tail -n 1)"
}
listed() {  # WORD...: of docker ps; a daemon that hangs is not waited for as long as a look may take
  timeout -k 1 15 docker ps -a "$@" 2>/dev/null && return
  case $? in 124|137) fail 'docker does not answer within 15 seconds' ;; esac
  usable
  fail 'docker does not list containers'
}
of_project() { listed -q --no-trunc --filter "label=com.docker.compose.project=$project"; }
digests() {  # ID...: those of the containers' images
  [ "$#" -gt 0 ] || return 0
  docker image inspect -f 'digests {{.Id}}{{range .RepoDigests}} {{.}}{{end}}' $(docker inspect --type container -f '{{.Image}}' "$@" 2>/dev/null | sort -u) 2>/dev/null || :
}
inspected() {
  [ "$#" -gt 0 ] || return 0
  # One that goes away between the list and the look makes docker fail after it has told of the others.
  docker inspect --type container -f 'container {"service":{{json (index .Config.Labels "com.docker.compose.service")}},"image":{{json .Image}},"ref":{{json .Config.Image}},"state":{{json .State.Status}},"health":{{if .State.Health}}{{json .State.Health.Status}}{{else}}""{{end}},"restarts":{{.RestartCount}},"started":{{json .State.StartedAt}},"exit":{{.State.ExitCode}},"oneoff":{{json (index .Config.Labels "com.docker.compose.oneoff")}},"name":{{json .Name}},"restart":{{json .HostConfig.RestartPolicy.Name}},"published":{{json .HostConfig.PortBindings}},"exposed":{{json .Config.ExposedPorts}},"config":{{json (index .Config.Labels "com.docker.compose.config-hash")}},"tool":{{json (index .Config.Labels "com.docker.compose.version")}}}' "$@" 2>/dev/null || usable
}
)sh";

/// setting NAME: a variable of the env file. Then $project is found where it was not said: that of the containers made
/// from $path (the plugin notes it as it was typed, the old Compose where its links lead to), else as Compose names it.
inline constexpr std::string_view kFindProject = R"sh(
setting() {  # NAME: its value in the env file, as Compose reads it: the last one, without quotes
  [ ! -f "$env_file" ] || sed -n "s/^[ \t]*\(export[ \t]*\)\{0,1\}$1[ \t]*=[ \t]*//p" "$env_file" | tail -n 1 |
    sed "s/[ \t\r]*\$//; s/^\"\(.*\)\"\$/\1/; s/^'\(.*\)'\$/\1/"
}
named() {  # WORD...: as the plugin names it, which may be in the files; absolute paths are those
  for word; do shift; case $word in /*) set -- "$@" -f "$word" ;; esac; done
  [ ! -f "$env_file" ] || set -- "$@" --env-file "$env_file"
  docker compose --project-directory "$path" "$@" config 2>/dev/null </dev/null | sed -n 's/^name: *//p' | head -n 1 | tr -d '"'
}
made_from() { listed --filter "label=com.docker.compose.project.working_dir=$1" --format '{{.Label "com.docker.compose.project"}}'; }
if [ -z "$project" ]; then
  real=$(pwd -P)
  found=$(made_from "$real")
  [ "$real" = "$path" ] || found="$found
$(made_from "$path")"
  project=$(printf '%s\n' "$found" | sed '/^$/d' | sort -u | paste -s -d ' ' -)
  case $project in *' '*) printf 'projects %s\n' "$project"; echo end; exit 0 ;; esac
  [ -n "$project" ] || project=${COMPOSE_PROJECT_NAME-}
  [ -n "$project" ] || project=$(setting COMPOSE_PROJECT_NAME)
  [ -n "$project" ] || project=$(named "$@")
  [ -n "$project" ] || project=$(basename "$real" | tr 'A-Z' 'a-z' | tr -cd 'a-z0-9_-')
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
  done
  for name in compose docker-compose; do
    for over in "$name.override.yml" "$name.override.yaml"; do
      [ ! -f "$over" ] || printf 'file %s\n' "$path/$over"
    done
  done
else
  for name; do [ ! -f "$name" ] || printf 'file %s\n' "$name"; done
fi
if [ "$#" -eq 0 ]; then
  for name in compose.yaml compose.yml docker-compose.yml docker-compose.yaml compose.override.yml compose.override.yaml \
    docker-compose.override.yml docker-compose.override.yaml; do
    [ ! -f "$name" ] || set -- "$@" "$name"
  done
fi
environment_files "$@" | sort -u | while read -r name; do
  case $name in '~'*|*'$'*) continue ;; /*) ;; *) name=$path/${name#./} ;; esac
  printf 'environment %s\n' "$name"
done
printf 'project %s\n' "$project"
[ -z "$tag" ] || printf 'tag %s\n' "$(setting "$tag")"
[ -z "$(setting COMPOSE_FILE)${COMPOSE_FILE-}" ] || echo 'elsewhere COMPOSE_FILE'
printf 'now %s\n' "$(date +%s%3N)"
ids=$(of_project)
inspected $ids
mounts=$(mounted $ids)
if [ -n "$mounts" ]; then
  printf '%s\n' "$mounts" | below "$path" | sed 's/^/mount /'
  printf '%s\n' "$mounts" | of_git "$(tree_of "$path")" | sed 's/^/tracked /'
fi
docker image ls --no-trunc --format 'image {{.ID}} {{.Repository}}:{{.Tag}}'
digests $ids
echo end
)sh";

/// ... whose held ref...: what runs, and what these names of images are here; `whose` all: and those of the containers,
/// and the digests that they were pulled by. `held`, a file a line: whether containers have them as they are.
inline constexpr std::string_view kLookAtContainers = R"sh(
whose=$1 held=$2; shift 2
ids=$(of_project)
inspected $ids
mounts=$(mounted $ids)
[ -z "$mounts" ] || (
  set -f
  IFS='
'
  set -- $held
  unset IFS
  printf '%s\n' "$mounts" | started_before "$@" | sed 's/^/before /'
  printf '%s\n' "$mounts" | gone_on_with "$path" "$@" | sed 's/^/instead /'
)
printf 'now %s\n' "$(date +%s%3N)"
{
  for ref; do printf '%s\n' "$ref"; done
  [ -z "$ids" ] || [ "$whose" != all ] || docker inspect --type container -f '{{.Config.Image}}' $ids 2>/dev/null || :
} | sort -u | while read -r ref; do
  docker image inspect -f "named $ref {{.Id}}" "$ref" 2>/dev/null || usable
done
[ "$whose" != all ] || digests $ids
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

inline std::string docker_script(std::string_view body) {
  return script(std::string(kDocker) + std::string(kEnvFiles) + std::string(kMounts) + std::string(body));
}
inline std::string observe_script(std::string_view body) {
  return docker_script(std::string(kEnter) + std::string(kFindProject) + std::string(body));
}
}  // namespace backout::drivers::compose
