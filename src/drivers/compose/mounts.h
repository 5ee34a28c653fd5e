// Mounts: what containers have of the host's files, and whether they have it as it is now. POSIX sh, after looks.h.
//
// A file that is replaced by another of its name is not seen in a container that has it mounted: that one keeps the old
// one until it is started again; and a program reads its settings when it starts. Neither is in Compose's config-hash.
#pragma once
#include <string_view>

namespace backout::drivers::compose {

/// mounted ID...: of those that run, what is mounted from the host, one a line: PID ID STARTED SERVICE SOURCE PLACE,
/// with tabs between. started_before FILE...: of such lines, where one of the files was changed after the container was
/// started: "ID SERVICE FILE". gone_on_with PATH FILE...: where a file, below PATH or one of FILE..., was replaced, and
/// the container goes on with the one before: "SERVICE FILE". From the kernel, which may be another machine's: then
/// nothing is said. below PATH: "SERVICE SOURCE" of those there. of_git ROOT: where SOURCE has files that git tracks
/// below ROOT (tree_of PATH): "SERVICE FILE", 500 a mount.
inline constexpr std::string_view kMounts = R"sh(
tab=$(printf '\t')
mounted() {
  [ "$#" -gt 0 ] || return 0
  docker inspect --type container -f '{{$c := .}}{{if .State.Running}}{{range .Mounts}}{{if eq .Type "bind"}}{{printf "%d\t%s\t%s\t%s\t%s\t%s\n" $c.State.Pid $c.ID $c.State.StartedAt (index $c.Config.Labels "com.docker.compose.service") .Source .Destination}}{{end}}{{end}}{{end}}' "$@" 2>/dev/null || usable
}
started_before() {
  while IFS=$tab read -r pid id began service source place; do
    [ -e "$source" ] || continue
    source=$(readlink -f -- "$source")
    began=$(date -d "$began" +%s%3N) || continue
    for file; do
      real=$(readlink -f -- "$file") && [ -e "$real" ] || continue
      case $real in "$source"|"$source"/*) ;; *) continue ;; esac
      [ "$began" -ge "$(stat -c %.3Z -- "$real" | tr -d .)" ] || printf '%s %s %s\n' "$id" "$service" "$file"
    done
  done
}
gone_on_with() {
  below=$(readlink -f -- "$1"); shift
  while IFS=$tab read -r pid id began service source place; do
    [ -f "$source" ] && [ -r "/proc/$pid/mountinfo" ] || continue
    source=$(readlink -f -- "$source") ours=no
    case $source in "$below"/*) ours=yes ;; esac
    for file; do [ "$(readlink -f -- "$file")" != "$source" ] || ours=yes; done
    [ "$ours" = yes ] || continue
    awk -v place="$place" '$5 == place && $4 ~ /\/\/deleted$/ { found = 1 } END { exit !found }' "/proc/$pid/mountinfo" || continue
    cmp -s -- "/proc/$pid/root$place" "$source" || printf '%s %s\n' "$service" "$source"
  done
}
below() {
  root=$(readlink -f -- "$1")
  while IFS=$tab read -r pid id began service source place; do
    source=$(readlink -f -- "$source") || continue
    case $source in "$root"|"$root"/*) printf '%s %s\n' "$service" "$source" ;; esac
  done
}
tree_of() {
  ! command -v git >/dev/null 2>&1 || command git -c safe.directory='*' -C "$1" rev-parse --show-toplevel 2>/dev/null || :
}
of_git() {
  root=$1
  [ -n "$root" ] || return 0
  git() { command git -c safe.directory='*' -c core.fsmonitor=false -c core.quotePath=false "$@"; }
  while IFS=$tab read -r pid id began service source place; do
    [ -e "$source" ] || continue
    source=$(readlink -f -- "$source")
    case $source in "$root"|"$root"/*) ;; *) continue ;; esac
    (cd "$root" && git ls-files -- "$source" 2>/dev/null) | head -n 500 | while read -r file; do
      printf '%s %s/%s\n' "$service" "$root" "$file"
    done
  done
}
)sh";

}  // namespace backout::drivers::compose
