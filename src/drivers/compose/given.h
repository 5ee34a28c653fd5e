// Given: what Compose itself makes of the files of a project. POSIX sh, after looks.h.
#pragma once
#include <string_view>

namespace backout::drivers::compose {

/// ... made_by value counts services file...: what Compose itself makes of the files as they are, and for the plugin
/// what it would do. Of what it prints, where secrets are, nothing but hashes and numbers is passed on. `value` of the
/// variable `tag`: given to Compose, else (empty) that of the env file. No file: those that Compose finds. Services of
/// profiles count as well: which of them were up is in no file.
inline constexpr std::string_view kLookAtGiven = R"sh(
made_by=$1 value=$2 version=$3 counts=$4 services=$5; shift 5
tool='docker compose'
old=no
! command -v docker-compose >/dev/null 2>&1 || old=yes
if ! docker compose version --short >/dev/null 2>&1 </dev/null; then tool=docker-compose; fi
case $old:$made_by in yes:1.*) tool=docker-compose ;; esac
[ "$tool" = 'docker compose' ] || [ "$old" = yes ] || fail 'there is neither docker-compose nor docker compose'
divided=no
! may_have_profiles "$@" || divided=yes
for file; do shift; set -- "$@" -f "$file"; done
set -- -p "$project" --project-directory "$path" "$@"
[ ! -f "$env_file" ] || set -- "$@" --env-file "$env_file"
if [ -n "$tag" ] && [ -z "$value" ] && [ -z "$(setting "$tag")" ]; then value=$version; fi
if [ -n "$tag" ] && [ -n "$value" ]; then export "$tag=$value"; fi
[ "$divided" = no ] || { COMPOSE_PROFILES=$(profiles "$@"); export COMPOSE_PROFILES; }
printf 'by %s\n' "$($tool version --short 2>/dev/null </dev/null)"
hashes=$($tool "$@" config --hash='*' 2>/dev/null </dev/null) || {
  usable
  fail "$tool config does not end well: $($tool "$@" config --hash='*' 2>&1 </dev/null | why)"
}
printf '%s\n' "$hashes" | sed 's/^/hash /'
if [ "$counts" = yes ]; then
  $tool "$@" config 2>/dev/null </dev/null | awk '
    /^[^ ]/ { inside = $1 == "services:" }
    inside && /^  [^ ].*:$/ { service = $1; sub(/:$/, "", service); gsub(/["\047]/, "", service); next }
    inside && (/^    scale: [0-9]+$/ || /^      replicas: [0-9]+$/) && $2 > 1 { print "wants", service, $2 }'
fi
if [ "$tool" = 'docker compose' ]; then
  $tool --dry-run "$@" up -d --no-build --pull never ${services:+--no-deps $services} 2>&1 </dev/null |
    sed -n 's/.*Container \([A-Za-z0-9_.-]*\)  *\([A-Za-z]*\).*/would \1 \2/p'
fi
echo end
)sh";

}  // namespace backout::drivers::compose
