// The beginning that our POSIX sh scripts share. Data reaches a script as "$1".. and is never part of its text.
#pragma once
#include <string>
#include <string_view>

#include "driver/outer_environment.h"

namespace backout::drivers {

/// fail WORDS; durable_tree DIR and durable DIR: on disk before anything that comes later refers to it. HOME is that of
/// the user who runs it when it was left at another's, which runuser does not see to.
inline constexpr std::string_view kScriptStart = R"sh(set -eu
fail() { printf '%s\n' "$*" >&2; exit 1; }
durable() { sync "$1" 2>/dev/null || sync; }
durable_tree() {  # its files and directories but git's own; one flush of the file system when they are many
  if [ "$(find "$1" -xdev | head -n 2001 | wc -l)" -le 2000 ]; then
    find "$1" -xdev -name .git -prune -o '(' -type f -o -type d ')' -print0 | xargs -0 sync 2>/dev/null && return 0
  fi
  sync -f "$1" 2>/dev/null || sync
}
if [ -z "${HOME-}" ] || [ ! -O "$HOME" ]; then
  bo_home=$(getent passwd "$(id -u)" 2>/dev/null | cut -d: -f6) || bo_home=
  [ -z "$bo_home" ] || { HOME=$bo_home; export HOME; }
fi
)sh";

/// For scripts that call git: nothing inherited steers it, nothing is asked, hooks of the repository stay out of it.
inline constexpr std::string_view kGitStart = R"sh(
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_NAMESPACE
GIT_TERMINAL_PROMPT=0; export GIT_TERMINAL_PROMPT
: "${GIT_SSH_COMMAND:=ssh -o BatchMode=yes}"; export GIT_SSH_COMMAND
git() { command git -c core.hooksPath=/dev/null -c core.fsync=all -c advice.detachedHead=false -c gc.auto=0 -c maintenance.auto=false "$@"; }
)sh";

/// For scripts that work in a checkout, after path=$1. clear_locks FILE...: a git that was killed leaves lock files
/// that stop the next one. Ours are dead (the attempt says so), so a lock is left over unless somebody else's git is at
/// work here.
inline constexpr std::string_view kCheckoutStart = R"sh(
cd "$path"
gitdir=$(git rev-parse --absolute-git-dir)
common=$(cd "$(git rev-parse --git-common-dir)" && pwd -P)
[ "$(git rev-parse --show-toplevel)" = "$(pwd -P)" ] || fail "$path is not the top of a git checkout"
git_at_work() {
  for process in /proc/[0-9]*; do
    { read -r comm <"$process/comm"; } 2>/dev/null || continue
    case $comm in git|git-*) ;; *) continue ;; esac
    at=$(readlink "$process/cwd" 2>/dev/null) || continue
    case $at/ in "$(pwd -P)"/*) worker=${process#/proc/}; return 0 ;; esac
  done
  return 1
}
clear_locks() {
  for lock in "$gitdir/index.lock" "$gitdir/HEAD.lock" "$common/packed-refs.lock" "$common/shallow.lock" "$@"; do
    tries=0
    while [ -e "$lock" ] && git_at_work; do
      tries=$((tries + 1))
      [ "$tries" -le 50 ] || fail "another git is at work in $path: process $worker"
      sleep 0.2
    done
    rm -f "$lock"
  done
}
)sh";

inline std::string script(std::string_view body) { return std::string(kScriptStart) + std::string(body); }
inline std::string git_script(std::string_view body) {
  return std::string(kScriptStart) + std::string(kGitStart) + std::string(body);
}
/// A git_script that also runs build commands of the user, by `become`.
inline std::string build_script(std::string_view body) {
  return std::string(kScriptStart) + std::string(driver::kOuterEnvironment) + std::string(kGitStart) +
         std::string(body);
}

}  // namespace backout::drivers
