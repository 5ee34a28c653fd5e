// The scripts of deploy_command.cc, POSIX sh. Data reaches them as "$1"... and is never part of their text.
#pragma once
#include <string_view>

namespace backout::drivers {

// path version source commit run bring: the tag, and a clean work tree at it. The state of a try lies beside the work
// tree; `last` names the one whose command was begun last.
inline constexpr std::string_view kWorktree = R"sh(
path=$1 version=$2 source=${3:-origin} commit=$4 run=$5 bring=${6-}
cd "$path"
gitdir=$(git rev-parse --absolute-git-dir)
home=$gitdir/backout-deploy work=$gitdir/backout-deploy/$run-$version last=$gitdir/backout-deploy/last
tagged() { git rev-parse -q --verify "refs/tags/$version^{commit}"; }
)sh";

// Files of the clone that git does not have, by names on a line each in `bring`. A name is a plain file in the clone,
// wherever links lead. original_of NAME: its place; each_brought FUNCTION: with `name` set to each in turn. In the
// clone.
inline constexpr std::string_view kOriginals = R"sh(
original_of() {
  original=$(realpath -e -- "$path/$1" 2>/dev/null) || fail "code.deploy.bring: $1 is not in $path"
  case $original in
    "$(pwd -P)"/.git/*) fail "code.deploy.bring: $1 leads into git's own directory" ;;
    "$(pwd -P)"/*) ;;
    *) fail "code.deploy.bring: $1 leads out of $path" ;;
  esac
  [ -f "$original" ] || fail "code.deploy.bring: $1 is not a file"
  [ -r "$original" ] || fail "code.deploy.bring: $1 cannot be read by $(id -un)"
}
each_brought() {
  while IFS= read -r name; do
    [ -z "$name" ] || "$1"
  done <<EOF
$bring
EOF
}
)sh";

// They are copied into the work tree for the time of the command, each to a place that is not the commit's. The copies
// are noted before they are made, and swept by whatever runs next: what a kill leaves is gone with the next command.
inline constexpr std::string_view kBring = R"sh(
brought=$gitdir/backout-deploy/brought
sweep() {
  [ -f "$brought" ] || return 0
  while IFS= read -r copy; do rm -f -- "$copy"; done <"$brought"
  rm -f -- "$brought"
}
copy_of() {
  case $(git --literal-pathspecs -C "$work" ls-files -- "$1") in '') ;; *)
    fail "code.deploy.bring: $1 is in the commit of $version, too: take it out of the list" ;;
  esac
  copy=$(realpath -m -- "$work/$(dirname -- "$1")")/$(basename -- "$1")
  case $copy in "$(realpath -e -- "$work")"/*) ;; *) fail "code.deploy.bring: $1 would lie outside of the work tree" ;; esac
}
try_it() { original_of "$name"; copy_of "$name"; }
note_it() { try_it; printf '%s\n' "$copy" >>"$brought.tmp"; }
copy_it() { try_it; mkdir -p -- "$(dirname -- "$copy")"; cp -p --remove-destination -- "$original" "$copy"; }
sweep
)sh";

// After the work tree is there, still in the clone.
inline constexpr std::string_view kLookWhatToBring = R"sh(
each_brought try_it
)sh";

inline constexpr std::string_view kBringIt = R"sh(
if [ -n "$bring" ]; then
  : >"$brought.tmp"
  each_brought note_it
  durable "$brought.tmp"
  mv -T "$brought.tmp" "$brought"
  durable "$home"
  trap sweep EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  each_brought copy_it
fi
)sh";

inline constexpr std::string_view kPrepare = R"sh(
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
inline constexpr std::string_view kRunIt = R"sh(
rm -f "$work.log" "$work.status"
echo begun >"$work.status"
durable "$work.status"
printf '%s %s\n' "$run" "$version" >"$last.tmp"
durable "$last.tmp"
mv -T "$last.tmp" "$last"
durable "$home"
cd "$work"
{ status=0; (become sh -c "$7") </dev/null 2>&1 || status=$?; echo "ended $status" >"$work.status.tmp"; } | tee "$work.log"
[ -z "$bring" ] || sweep
durable "$work.log"
durable "$work.status.tmp"
mv -T "$work.status.tmp" "$work.status"
durable "$home"
read -r _ status <"$work.status"
# The last words of a command that failed: which hosts, and which not.
if [ "$status" != 0 ] && [ "$8" = ansible ]; then
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

inline constexpr std::string_view kClean = R"sh(
git worktree remove --force --force "$work" 2>/dev/null || :
rm -rf "$work"
git worktree prune
)sh";

inline constexpr std::string_view kSeen = R"sh(
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

// path version bring
inline constexpr std::string_view kReadyStart = R"sh(
path=$1 bring=$3
cd "$path"
)sh";
inline constexpr std::string_view kReady = R"sh(
[ -z "$2" ] || ! git rev-parse -q --verify "refs/tags/$2^{commit}" >/dev/null || echo tag
! command -v ansible-playbook >/dev/null || echo ansible
git ls-files --others --directory | grep -vE '/$|\.(pyc|log|retry|swp)$|~$' | grep -vxF -- "${bring:-/}" | head -n 5 | sed 's/^/beside /' || :
fail() { printf 'amiss %s\n' "$*"; exit 1; }
look_at_it() { (original_of "$name") || :; }
each_brought look_at_it
echo end
)sh";

}  // namespace backout::drivers
