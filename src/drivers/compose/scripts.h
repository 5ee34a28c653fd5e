// What the compose driver does, as POSIX sh, with the functions of looks.h. Data reaches the scripts as "$1"...
#pragma once
#include <string>
#include <string_view>

#include "drivers/code/saved_config.h"
#include "drivers/compose/looks.h"

namespace backout::drivers::compose {

/// The names of images are read from lines "SERVICE REF ID DIGEST" ("-": none) in $lines.
inline constexpr std::string_view kFetch = R"sh(
lines=$1
usable
id_of() { docker image inspect -f '{{.Id}}' "$1" 2>/dev/null; }
printf '%s\n' "$lines" | while read -r service ref id digest; do
  if [ "$id" != - ]; then ! id_of "$id" >/dev/null || continue; elif id_of "$ref" >/dev/null; then continue; fi
  from=$ref
  [ "$digest" = - ] || from=$digest
  said=$(docker pull -q "$from" 2>&1 </dev/null) ||
    fail "the image of $service is gone here, and $from cannot be pulled: $(printf '%s\n' "$said" | tail -n 1 | sed 's/^Error response from daemon: //; s/[A-Z][a-z]* "http[^"]*": //'); nothing was changed"
  [ "$id" = - ] || id_of "$id" >/dev/null || fail "$from is another image by now than the one that ran as $service, $id; nothing was changed"
done
)sh";

/// project version keep lines spared...: a container that is never started refers to each image. The newest `keep`
/// versions keep theirs, and those spared.
inline constexpr std::string_view kPin = R"sh(
project=$1 version=$2 keep=$3 lines=$4; shift 4
usable
printf '%s\n' "$lines" | while read -r service ref id digest; do
  [ "$id" != - ] || continue
  short=${id#sha256:} short=$(printf '%.12s' "${id#sha256:}")
  name=backout-keeps-$project-$(printf '%s' "$version" | tr -c 'A-Za-z0-9_.-' _)-$short
  [ "$(docker inspect --type container -f '{{.Image}} {{index .Config.Labels "backout.version"}}' "$name" 2>/dev/null)" != "$id $version" ] || continue
  docker rm -f -v "$name" >/dev/null 2>&1 || :
  docker image inspect -f '{{range $path, $x := .Config.Volumes}}{{println $path}}{{end}}' "$id" | {
    set --
    while read -r volume; do [ -z "$volume" ] || set -- "$@" --tmpfs "$volume"; done  # else each makes an empty one
    docker create --name "$name" --label "backout.keeps=$project" --label "backout.version=$version" --network none "$@" --entrypoint /never-started "$id" >/dev/null
  } || fail "the image of $service could not be protected: $id"
done
kept=0 seen=' '
docker ps -a --no-trunc --filter "label=backout.keeps=$project" --format '{{.ID}} {{.Label "backout.version"}}' | while read -r container of; do
  case $seen in *" $of "*) ;; *) seen="$seen$of " kept=$((kept + 1)) ;; esac
  [ "$kept" -gt "$keep" ] || continue
  spare=no
  for each; do [ "$each" != "$of" ] || spare=yes; done
  [ "$spare" = yes ] || [ "$of" = "$version" ] || docker rm -v "$container" >/dev/null
done
)sh";

/// project service...: none of their containers runs.
inline constexpr std::string_view kStop = R"sh(
project=$1; shift
usable
ids=
for service; do
  ids="$ids $(docker ps -q --filter "label=com.docker.compose.project=$project" --filter "label=com.docker.compose.service=$service")"
done
[ -z "${ids# }" ] || docker stop $ids >/dev/null
)sh";

/// path tool project env_file tag value set lines tags services gone held again file...: files as saved in `set`, names
/// of images as in `tags` ("ID REF"), `up -d`; of the services `again`, containers that have one of the files `held`
/// mounted and were started before it was changed start again. `value` of the variable `tag` is given to Compose, and
/// written to the env file when no set brings that back.
inline constexpr std::string_view kUp = R"sh(
path=$1 tool=$2 project=$3 env_file=$4 tag=$5 value=$6 set=$7 lines=$8 tags=$9; shift 9
services=$1 gone=$2 held=$3 again=$4; shift 4
cd "$path"
if [ -n "$set" ]; then restore "$set"; fi
if [ -z "$set" ] && [ -n "$tag" ] && [ -f "$env_file" ] && grep -q "^[ 	]*\(export[ 	]*\)\{0,1\}$tag[ 	]*=" "$env_file"; then
  real=$(readlink -f -- "$env_file") part=$(readlink -f -- "$env_file").backout-tmp
  rm -f -- "$part"
  (umask 077; sed "s/^\([ 	]*\(export[ 	]*\)\{0,1\}$tag[ 	]*=[ 	]*\).*/\1$value/" "$real" >"$part")
  chown "$(stat -c %u:%g -- "$real")" -- "$part"
  chmod "$(stat -c %a -- "$real")" -- "$part"
  durable "$part"
  mv -T -- "$part" "$real"
  durable "$(dirname -- "$real")"
fi
printf '%s\n' "$tags" | while read -r id ref; do
  [ -z "$ref" ] || docker tag "$id" "$ref" || { usable; fail "$ref cannot be given back to $id"; }
done
divided=no
[ -n "$services" ] || ! may_have_profiles "$@" || divided=yes
for file; do shift; set -- "$@" -f "$file"; done
set -- -p "$project" --project-directory "$path" "$@"
[ ! -f "$env_file" ] || set -- "$@" --env-file "$env_file"
[ -z "$tag" ] || export "$tag=$value"
alone=--no-deps
if [ "$divided" = yes ]; then  # one of a profile that was up is named, for `up` passes over it else
  every=$(COMPOSE_PROFILES=$(profiles "$@") $tool "$@" config --hash='*' 2>/dev/null </dev/null | cut -d ' ' -f 1)
  active=$($tool "$@" config --hash='*' 2>/dev/null </dev/null | cut -d ' ' -f 1)
  more=$(printf '%s\n' "$lines" | while read -r service count; do
    ! printf '%s\n' "$every" | grep -qxF -e "$service" || printf '%s\n' "$active" | grep -qxF -e "$service" || printf '%s\n' "$service"
  done)
  [ -z "$more" ] || { services="$active $more"; alone=; }
fi
set -- "$@" up -d --no-build
while read -r service count; do
  [ -z "$service" ] || [ "$count" -le 1 ] || set -- "$@" --scale "$service=$count"
done <<EOF
$lines
EOF
# The files may say pull_policy: always, which the old Compose does not know; nor did the first plugins know --pull.
never='--pull never' status=0
[ "$tool" = 'docker compose' ] || never=
said=$($tool "$@" $never ${services:+$alone $services} </dev/null 2>&1) || status=$?
case $status:$said in [!0]*'unknown flag: --pull'*)
  status=0
  said=$($tool "$@" ${services:+$alone $services} </dev/null 2>&1) || status=$? ;;
esac
printf '%s\n' "$said" | unquoted
[ "$status" -eq 0 ] || usable
[ "$status" -eq 0 ] || fail "$tool up ended with $status: $(printf '%s\n' "$said" | why)"
ids=
for service in $again; do
  ids="$ids $(docker ps -q --no-trunc --filter "label=com.docker.compose.project=$project" --filter "label=com.docker.compose.service=$service")"
done
stale=$(
  set -f
  IFS='
'
  set -- $held
  unset IFS
  mounted $ids | started_before "$@" | cut -d ' ' -f 1 | sort -u
)
[ -z "$stale" ] || docker restart $stale >/dev/null || { usable; fail "a container that has a file of the release mounted does not start again"; }
for service in $gone; do
  left=$(docker ps -aq --filter "label=com.docker.compose.project=$project" --filter "label=com.docker.compose.service=$service")
  [ -z "$left" ] || { docker stop $left >/dev/null; docker rm $left >/dev/null; }
done
)sh";

inline std::string up_script() {
  return docker_script("restore() (\n" + std::string(config_restore_script()) + "\n)\n" + std::string(kUp));
}

}  // namespace backout::drivers::compose
