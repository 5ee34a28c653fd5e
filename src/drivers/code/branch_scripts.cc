#include "drivers/code/branch_scripts.h"

#include "drivers/code/script.h"

namespace backout::drivers::branch {
namespace {

/// target: the commit to go back to. made, pushed: what this run made. at_remote REF: its commit there, or nothing.
constexpr std::string_view kStart = R"sh(
path=$1 remote=$2 name=$3 version=$4 commit=$5 head=$6 run=$7 how=$8
cd "$path"
gitdir=$(git rev-parse --absolute-git-dir)
made=refs/backout/made-$run taken=refs/backout/taken-back-$run
there=refs/heads/$name
[ "$how" != branch ] || there=refs/heads/rollback/$version-$run
at_remote() { refs=$(git ls-remote -- "$remote" "$1") || fail "cannot read $remote"; printf '%s' "${refs%%	*}"; }
target() {
  if [ -n "$commit" ] && git cat-file -e "$commit^{tree}" 2>/dev/null; then echo "$commit"; return; fi
  git rev-parse -q --verify "refs/tags/$version^{commit}"
}
push() {  # git push, with the words of whoever refused it
  said=$(git push -q "$@" 2>&1) && return 0
  printf '%s\n' "$said" >&2
  why=$(printf '%s\n' "$said" | sed -n 's/^remote: *\(.*[^ ]\) *$/\1/p; s/^ *! *//p' | head -n 3 | tr '\n' ';')
  fail "$remote refused the push to ${there#refs/heads/}: ${why:-$(printf '%s' "$said" | tail -n 1)}"
}
GIT_AUTHOR_NAME=backout GIT_AUTHOR_EMAIL=backout@localhost GIT_COMMITTER_NAME=backout GIT_COMMITTER_EMAIL=backout@localhost
export GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL
)sh";

}  // namespace

std::string in_clone(std::string_view body) { return git_script(std::string(kStart) + std::string(body)); }

const std::string_view kFetch = R"sh(
git fetch -q --no-tags "$remote" "+refs/heads/$name:refs/backout/heads/$name"
git rev-parse -q --verify "refs/tags/$version^{commit}" >/dev/null ||
  git fetch -q --no-tags "$remote" "+refs/tags/$version:refs/tags/$version" || :
now=$(git rev-parse "refs/backout/heads/$name")
[ "$now" = "$head" ] || fail "branch $name has moved to $now since this was planned"
target >/dev/null || fail "there is no tag $version, and the commit that served as it is not known"
)sh";

/// Reverts, newest first, when together they give the tree of the target; else one commit that has it.
const std::string_view kMake = R"sh(
target=$(target)
if [ "$how" != revert ]; then git update-ref -m backout "$made" "$target"; exit 0; fi
wanted=$(git rev-parse "$target^{tree}")
if [ "$(git rev-parse "$head^{tree}")" = "$wanted" ]; then git update-ref -m backout "$made" "$head"; exit 0; fi
work=$gitdir/backout-work-$run
git worktree remove --force "$work" 2>/dev/null || :
rm -rf "$work"
git worktree prune
trap 'git worktree remove --force "$work" 2>/dev/null; rm -rf "$work"; git worktree prune' EXIT
git worktree add -q --detach "$work" "$head"
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
git update-ref -m backout "$made" "$new"
)sh";

const std::string_view kPush = R"sh(
new=$(git rev-parse -q --verify "$made") || fail "nothing was made to push"
now=$(at_remote "$there")
[ "$now" != "$new" ] || exit 0
if [ "$how" = branch ]; then
  push "$remote" "$new:$there"
else
  [ "$now" = "$head" ] || fail "branch $name has moved to ${now:-nothing} since this was planned"
  if [ "$how" = reset ]; then
    push --force-with-lease="$there:$head" "$remote" "+$new:$there"
  else
    push "$remote" "$new:$there"
  fi
fi
)sh";

const std::string_view kTakeBack = R"sh(
new=$(git rev-parse -q --verify "$made") || exit 0
now=$(at_remote "$there")
case $how in
  branch) [ -z "$now" ] || push --force-with-lease="$there:$new" "$remote" ":$there" ;;
  reset) [ "$now" = "$head" ] || push --force-with-lease="$there:$new" "$remote" "+$head:$there" ;;
  revert)
    back=$(git rev-parse -q --verify "$taken") || {
      back=$(printf 'Take back the revert to %s\n' "$version" | git commit-tree "$head^{tree}" -p "$new")
      git update-ref -m backout "$taken" "$back"
    }
    case $now in
      "$head"|"$back") ;;
      "$new") push "$remote" "$back:$there" ;;
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
echo end
)sh";

}  // namespace backout::drivers::branch
