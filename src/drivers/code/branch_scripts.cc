#include "drivers/code/branch_scripts.h"

#include "drivers/code/script.h"

namespace backout::drivers::branch {
namespace {

/// target: the commit to go back to. made: what this run made. dropped: the tip that was there before it was pushed.
/// at_remote REF: its commit there, or nothing. newcomers: what others pushed after the release that is left, one
/// "author-and-subject" line each, newest first. borrow REF...: `head` and the refs can be read by what follows; what
/// the clone does not have lies in a place that is thrown away, and no ref is moved.
constexpr std::string_view kStart = R"sh(
path=$1 remote=$2 name=$3 version=$4 commit=$5 head=$6 run=$7 how=$8 from=${9-} from_commit=${10-}
cd "$path"
gitdir=$(git rev-parse --absolute-git-dir)
made=refs/backout/made-$run taken=refs/backout/taken-back-$run dropped=refs/backout/dropped-$run
there=refs/heads/$name
[ "$how" != branch ] || there=refs/heads/rollback/$version-$run
at_remote() { refs=$(git ls-remote -- "$remote" "$1") || fail "cannot read $remote"; printf '%s' "${refs%%	*}"; }
target() {
  if [ -n "$commit" ] && git cat-file -e "$commit^{tree}" 2>/dev/null; then echo "$commit"; return; fi
  git rev-parse -q --verify "refs/tags/$version^{commit}"
}
commit_of() {  # version, the commit that it was
  if [ -n "$2" ] && git cat-file -e "$2^{tree}" 2>/dev/null; then echo "$2"; return; fi
  [ -n "$1" ] || return 1
  ! git rev-parse -q --verify "refs/tags/$1^{commit}" || return 0
  tag=$(at_remote "refs/tags/$1")
  [ -n "$tag" ] && git rev-parse -q --verify "$tag^{commit}" 2>/dev/null
}
newcomers() {
  base=$(commit_of "$from" "$from_commit") && git merge-base --is-ancestor "$base" "$head" || base=
  goal=$(commit_of "$version" "$commit") || goal=
  [ -n "$base$goal" ] || return 0
  { git log --format='%ce%x09%h %an: %s' "$head" ${base:+"^$base"} ${goal:+"^$goal"} -- | grep -av '^backout@localhost	' || :; } | cut -f 2-
}
tell_newcomers() {
  newcomers >"$1"
  printf 'newcomers %s\n' "$(wc -l <"$1")"
  head -n 10 "$1" | sed 's/^/newcomer /'
  rm -f "$1"
}
borrow() {
  borrowed=$(mktemp -d)
  trap 'rm -rf "$borrowed"' EXIT
  GIT_ALTERNATE_OBJECT_DIRECTORIES=$(cd "$(git rev-parse --git-path objects)" && pwd -P) GIT_OBJECT_DIRECTORY=$borrowed
  export GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_OBJECT_DIRECTORY
  for each; do
    known=$(at_remote "$each")
    [ -z "$known" ] || git cat-file -e "$known" 2>/dev/null ||
      git fetch -q --no-tags --no-write-fetch-head --refmap= "$remote" "$each" || fail "cannot fetch $each from $remote"
  done
}
push() {  # git push, with the words of whoever refused it
  said=$(git push -q "$@" 2>&1) && return 0
  printf '%s\n' "$said" >&2
  why=$(printf '%s\n' "$said" | sed -n 's/^remote: *\(.*[^ ]\) *$/\1/p; s/^ *! *//p' | head -n 3 | tr '\n' ';')
  fail "$remote refused the push to ${there#refs/heads/}: ${why:-$(printf '%s' "$said" | tail -n 1)}"
}
GIT_AUTHOR_NAME=backout GIT_AUTHOR_EMAIL=backout@localhost GIT_COMMITTER_NAME=backout GIT_COMMITTER_EMAIL=backout@localhost
export GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL
# Refs below refs/backout are written by nobody else: a lock on one is what a killed git left.
unlock() { rm -f "$(git rev-parse --git-common-dir)/$1.lock"; }
keep() { unlock "$1"; git update-ref -m backout "$1" "$2"; }
)sh";

}  // namespace

std::string in_clone(std::string_view body) { return git_script(std::string(kStart) + std::string(body)); }

const std::string_view kFetch = R"sh(
unlock "refs/backout/heads/$name"
git fetch -q --no-tags "$remote" "+refs/heads/$name:refs/backout/heads/$name"
git rev-parse -q --verify "refs/tags/$version^{commit}" >/dev/null ||
  git fetch -q --no-tags "$remote" "+refs/tags/$version:refs/tags/$version" || :
now=$(git rev-parse "refs/backout/heads/$name")
[ "$now" = "$head" ] || fail "branch $name has moved to $now since this was planned"
target >/dev/null || [ -z "$commit" ] || git fetch -q --no-tags "$remote" "$commit" || :
target >/dev/null || fail "there is no tag $version, and the commit that served as it is not known"
)sh";

/// Reverts, newest first, when together they give the tree of the target; else one commit that has it.
const std::string_view kMake = R"sh(
target=$(target)
if [ "$how" != revert ]; then keep "$made" "$target"; exit 0; fi
wanted=$(git rev-parse "$target^{tree}")
if [ "$(git rev-parse "$head^{tree}")" = "$wanted" ]; then keep "$made" "$head"; exit 0; fi
work=$gitdir/backout-work-$run
git worktree remove --force --force "$work" 2>/dev/null || :
rm -rf "$work"
git worktree prune
trap 'git worktree remove --force --force "$work" 2>/dev/null; rm -rf "$work"; git worktree prune' EXIT
# Twice: one that git was making when it was killed is "missing but locked".
git worktree add -q --force --force --detach "$work" "$head"
reverted=no
if git merge-base --is-ancestor "$target" "$head" && [ "$(git rev-list --first-parent --count "$target..$head")" -le 20 ]; then
  reverted=yes
  for each in $(git rev-list --first-parent "$target..$head"); do
    mainline=
    [ "$(git rev-list --parents -n 1 "$each" | wc -w)" -le 2 ] || mainline='-m 1'
    # shellcheck disable=SC2086  # two words or none
    (cd "$work" && git revert --no-edit $mainline "$each" >/dev/null 2>&1) || { reverted=no; break; }
  done
  [ "$(git -C "$work" rev-parse 'HEAD^{tree}')" = "$wanted" ] || reverted=no
fi
if [ "$reverted" = yes ]; then
  new=$(git -C "$work" rev-parse HEAD)
else
  new=$(printf 'Revert to %s\n\nThe tree of %s, as it served before %s.\n' "$version" "$target" "$head" | git commit-tree "$wanted" -p "$head")
fi
keep "$made" "$new"
)sh";

const std::string_view kPush = R"sh(
new=$(git rev-parse -q --verify "$made") || fail "nothing was made to push"
now=$(at_remote "$there")
[ "$now" != "$new" ] || exit 0
if [ "$how" = branch ]; then
  push --force-with-lease="$there:" "$remote" "$new:$there"
else
  [ "$now" = "$head" ] || fail "branch $name has moved to ${now:-nothing} since this was planned"
  keep "$dropped" "$head"
  # Only over the very tip that was planned for; a push in between is refused, and never written over.
  push --force-with-lease="$there:$head" "$remote" "$new:$there"
fi
)sh";

const std::string_view kTakeBack = R"sh(
new=$(git rev-parse -q --verify "$made") || exit 0
now=$(at_remote "$there")
case $how in
  branch) [ -z "$now" ] || push --force-with-lease="$there:$new" "$remote" ":$there" ;;
  reset) [ "$now" = "$head" ] || push --force-with-lease="$there:$new" "$remote" "$head:$there" ;;
  revert)
    back=$(git rev-parse -q --verify "$taken") || {
      back=$(printf 'Take back the revert to %s\n' "$version" | git commit-tree "$head^{tree}" -p "$new")
      keep "$taken" "$back"
    }
    case $now in
      "$head"|"$back") ;;
      "$new") push --force-with-lease="$there:$new" "$remote" "$back:$there" ;;
      *) fail "branch $name has moved to ${now:-nothing}: what others pushed is not taken back" ;;
    esac ;;
esac
)sh";

const std::string_view kState = R"sh(
branch_at=$(at_remote "refs/heads/$name")
printf 'at %s\n' "$branch_at"
tree() { git rev-parse -q --verify "$1^{tree}" 2>/dev/null || echo unknown; }
known=$(git rev-parse -q --verify "refs/backout/heads/$name") && printf 'fetched %s\n' "$known"
if commit_of_target=$(target); then
  printf 'target %s\ntarget-tree %s\n' "$commit_of_target" "$(tree "$commit_of_target")"
fi
if new=$(git rev-parse -q --verify "$made"); then
  printf 'made %s\nmade-tree %s\n' "$new" "$(tree "$new")"
fi
[ -z "$head" ] || printf 'head-tree %s\n' "$(tree "$head")"
at=$(at_remote "$there")
[ -z "$at" ] || printf 'at-tree %s\n' "$(tree "$at")"
[ -z "$at" ] || printf 'at-there %s\n' "$at"
if [ -n "$head" ] && git rev-parse -q --verify "$dropped" >/dev/null; then
  printf 'dropped %s\n' "$dropped"
  tell_newcomers "$(mktemp)"
fi
echo end
)sh";

const std::string_view kNewcomers = R"sh(
borrow "refs/heads/$name"
tell_newcomers "$borrowed/newcomers"
echo end
)sh";

/// With how: branch the platform may run the branch itself, or a rollback branch of the version.
const std::string_view kStands = R"sh(
borrow "refs/heads/$name" "refs/tags/$version"
wanted=$(commit_of "$version" "$commit") || wanted=
[ -z "$wanted" ] || printf 'target %s\ntarget-tree %s\n' "$wanted" "$(git rev-parse -q --verify "$wanted^{tree}")"
at=$(at_remote "refs/heads/$name")
[ -z "$at" ] || printf 'at %s\nat-tree %s\n' "$at" "$(git rev-parse -q --verify "$at^{tree}" || echo unknown)"
if [ "$how" = branch ] && [ -n "$wanted" ]; then
  refs=$(git ls-remote -- "$remote" "refs/heads/rollback/$version-*") || fail "cannot read $remote"
  printf '%s\n' "$refs" | while read -r commit ref; do
    [ -z "$ref" ] || [ "$commit" != "$wanted" ] || printf 'beside %s\n' "${ref#refs/heads/}"
  done
fi
echo end
)sh";

}  // namespace backout::drivers::branch
