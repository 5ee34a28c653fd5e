#include "drivers/code/checkout_scripts.h"

#include "drivers/code/script.h"

namespace backout::drivers::checkout {

/// add_all FILE PATTERN...: everything but what git ignores and, beside that, the patterns. FILE is for its own use.
const std::string_view kAddAll = R"sh(
add_all() {
  ignored=$(git config --path --get core.excludesFile) || ignored=${XDG_CONFIG_HOME:-${HOME-}/.config}/git/ignore
  own=$1
  shift
  # Copies of configuration files, with their secrets, lie in .backout: not for a commit.
  { cat -- "$ignored" 2>/dev/null || :; printf '\n%s\n' /.backout/ "$@"; } >"$own"
  git -c advice.addEmbeddedRepo=false -c core.excludesFile="$own" add -A .
}
)sh";

/// tracked_tree [DIRECTORY]: the tree of the tracked files as they are. Its objects go to DIRECTORY, else to the
/// repository.
const std::string_view kTrackedTree = R"sh(
tracked_tree() (
  index=$(mktemp)
  trap 'rm -f "$index" "$index.lock"' EXIT
  cp "$gitdir/index" "$index"
  GIT_INDEX_FILE=$index; export GIT_INDEX_FILE
  if [ -n "${1-}" ]; then
    GIT_OBJECT_DIRECTORY=$1 GIT_ALTERNATE_OBJECT_DIRECTORIES=$common/objects
    export GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES
  fi
  git add -u .
  git write-tree
)
)sh";

const std::string_view kFetchTag = R"sh(
version=$2 source=${3:-origin} expected=$4
clear_locks "$common/refs/tags/$version.lock"
tagged() { git rev-parse -q --verify "refs/tags/$version^{commit}"; }
if ! commit=$(tagged) || ! git cat-file -e "$commit^{tree}" 2>/dev/null; then
  git fetch -q --no-tags "$source" "+refs/tags/$version:refs/tags/$version"
  commit=$(tagged) || fail "tag $version in $source is not a commit"
fi
[ -z "$expected" ] || [ "$commit" = "$expected" ] ||
  fail "tag $version is now commit $commit; what ran as $version was $expected"
)sh";

const std::string_view kKeepDirty = R"sh(
ref=$2 version=$3; shift 3
head=$(git rev-parse -q --verify 'HEAD^{commit}') || fail "nothing is checked out in $path"
target=$(git rev-parse -q --verify "refs/tags/$version^{commit}") || fail "there is no tag $version"
clear_locks "$common/$ref.lock"
if kept=$(git rev-parse -q --verify "$ref"); then
  [ "$(git rev-parse "$kept^1")" = "$head" ] || fail "the checkout has moved since $ref was kept"
fi
rm -rf "$gitdir"/backout-work-*
work=$(mktemp -d "$gitdir/backout-work-XXXXXX")
trap 'rm -rf "$work"' EXIT
GIT_INDEX_FILE=$work/index; export GIT_INDEX_FILE
if [ -f "$gitdir/index" ]; then cp "$gitdir/index" "$work/index"; else git read-tree "$head"; fi
indexed=$(git write-tree 2>/dev/null) || indexed=$(git rev-parse "$head^{tree}")
add_all "$work/ignored" "$@"
# Files that git ignores, in the way of the target: a forced checkout would write over them.
git diff-tree -r --no-renames --name-only -z --diff-filter=A "$head" "$target" |
  xargs -0 sh -c 'for file; do if [ -f "$file" ] || [ -L "$file" ]; then printf "%s\0" "$file"; fi; done' sh |
  git update-index --add -z --stdin
tree=$(git write-tree)
unset GIT_INDEX_FILE
GIT_AUTHOR_NAME=backout GIT_AUTHOR_EMAIL=backout@localhost GIT_COMMITTER_NAME=backout GIT_COMMITTER_EMAIL=backout@localhost
export GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL
side=$(echo 'index' | git commit-tree "$indexed" -p "$head")
kept=$(echo "as found before going to $version" | git commit-tree "$tree" -p "$head" -p "$side")
git update-ref -m backout "$ref" "$kept"
)sh";

const std::string_view kCheckout = R"sh(
version=$2 branch=$3
commit=$(git rev-parse -q --verify "refs/tags/$version^{commit}") || fail "there is no tag $version"
clear_locks "$common/refs/heads/$branch.lock"
rm -f "$gitdir/backout-build"
if old=$(git rev-parse -q --verify "refs/heads/$branch") && ! git merge-base --is-ancestor "$old" "$commit"; then
  git update-ref -m backout "refs/backout/branch-$version-$old" "$old"
fi
git checkout -q -f --no-track -B "$branch" "$commit"
[ ! -f .gitmodules ] || git submodule --quiet update --init --recursive --force
durable_tree .
)sh";

const std::string_view kReturn = R"sh(
branch=$2 head=$3 ref=$4 version=$5; shift 6
clear_locks "$common/refs/heads/${branch:-none}.lock"
kept=$(git rev-parse -q --verify "$ref") || fail "$ref is gone, so what was changed by hand cannot be put back"
[ "$(git rev-parse "$kept^1")" = "$head" ] || fail "$ref was kept from another commit than $head"
if [ -n "$branch" ]; then
  now=$(git rev-parse -q --verify "refs/heads/$branch") || now=$head
  [ "$now" = "$head" ] || [ "$branch" = "backout/rollback-$version" ] || fail "branch $branch has moved to $now meanwhile"
  git checkout -q -f --no-track -B "$branch" "$head"
else
  git checkout -q -f --detach "$head"
fi
[ ! -f .gitmodules ] || git submodule --quiet update --init --recursive --force
rm -rf "$gitdir"/backout-work-*
work=$(mktemp -d "$gitdir/backout-work-XXXXXX")
trap 'rm -rf "$work"' EXIT
changed() { git diff-tree -r --no-renames --name-only -z --diff-filter="$1" "$head" "$kept"; }
GIT_INDEX_FILE=$work/index; export GIT_INDEX_FILE
git read-tree "$kept"
changed MT | git checkout-index -q -f -z --stdin
# What the target brings and HEAD does not know is only as good as where a kill hit: it goes, and comes back from what was
# kept. Other untracked files that are still there have lived on and are left alone.
if target=$(git rev-parse -q --verify "refs/tags/$version^{commit}"); then
  git diff-tree -r --no-renames --name-only -z --diff-filter=A "$head" "$target" |
    xargs -0 sh -c 'for file; do if [ -f "$file" ] || [ -L "$file" ]; then rm -f -- "$file"; fi; done' sh
fi
changed A | xargs -0 sh -c 'for file; do if [ ! -e "$file" ] && [ ! -L "$file" ]; then printf "%s\0" "$file"; fi; done' sh |
  git checkout-index -q -f -z --stdin
changed D | xargs -0 sh -c 'for file; do rm -f -- "$file"; done' sh
unset GIT_INDEX_FILE
git read-tree "$kept^2"
git update-index -q --refresh >/dev/null || :
durable_tree .
if [ -f "$gitdir/backout-build" ]; then
  for line; do (become sh -c "$line") </dev/null || fail "building what was there failed: exit status $?"; done
  # A build may write tracked files, and not as it wrote them then: as found is as kept.
  GIT_INDEX_FILE=$work/index; export GIT_INDEX_FILE
  git read-tree "$kept"
  git update-index -q --refresh >/dev/null || :
  git ls-tree -r -z --name-only "$head" | git checkout-index -q -f -z --stdin || :
  changed D | xargs -0 sh -c 'for file; do rm -f -- "$file"; done' sh
  unset GIT_INDEX_FILE
  git update-index -q --refresh >/dev/null || :
  durable_tree .
  rm -f "$gitdir/backout-build"
  durable "$gitdir"
fi
)sh";

const std::string_view kBuild = R"sh(
digest=$2; shift 2
head=$(git rev-parse -q --verify HEAD)
marker=$gitdir/backout-build
say() { printf '%s\n' "$*" >"$marker.tmp"; durable "$marker.tmp"; mv -T "$marker.tmp" "$marker"; durable "$gitdir"; }
say "building $head"
total=$# number=0
for line; do
  number=$((number + 1))
  printf 'build %s of %s\n' "$number" "$total" >&2
  (become sh -c "$line") </dev/null || { status=$?; printf 'build command %s of %s failed\n' "$number" "$total" >&2; exit $status; }
done
durable_tree .
say "complete $head $digest $(tracked_tree)"
)sh";

const std::string_view kUnbuild = R"sh(
marker=$gitdir/backout-build
[ -f "$marker" ] || exit 0
printf 'undone %s\n' "$(git rev-parse -q --verify HEAD)" >"$marker.tmp"
durable "$marker.tmp"
mv -T "$marker.tmp" "$marker"
durable "$gitdir"
)sh";

const std::string_view kState = R"sh(
version=$2
GIT_OPTIONAL_LOCKS=0; export GIT_OPTIONAL_LOCKS
printf 'head %s\n' "$(git rev-parse -q --verify HEAD || echo none)"
printf 'branch %s\n' "$(git symbolic-ref -q --short HEAD || :)"
printf 'describe %s\n' "$(git describe --tags --always 2>/dev/null || :)"
printf 'exact %s\n' "$(git describe --tags --exact-match 2>/dev/null || :)"
[ -z "$version" ] || printf 'wanted %s\n' "$(git rev-parse -q --verify "refs/tags/$version^{commit}" || echo none)"
git -c core.quotePath=false status --porcelain --untracked-files=no | sed 's/^/changed /'
git -c core.quotePath=false ls-files --others --exclude-standard --exclude=/.backout/ --directory >"${newcomers:=$(mktemp)}"
printf 'untracked %s\n' "$(wc -l <"$newcomers")"
head -n 3 "$newcomers" | sed 's/^/newcomer /'
rm -f "$newcomers"
printf 'dirty %s\n' "$(git status --porcelain | wc -l)"
[ ! -e "$gitdir/index.lock" ] || echo lock
if [ -f "$gitdir/backout-build" ]; then
  printf 'build %s\n' "$(cat "$gitdir/backout-build")"
  read -r what commit digest tree <"$gitdir/backout-build" || :
  if [ "$what" = complete ] && [ "$commit" = "$(git rev-parse -q --verify HEAD)" ] && [ -n "$tree" ]; then
    work=$(mktemp -d)
    now=$(tracked_tree "$work")
    GIT_ALTERNATE_OBJECT_DIRECTORIES=$work git -c core.quotePath=false diff-tree -r --no-renames --name-only "$tree" "$now" |
      head -n 20 | sed 's/^/since-build /'
    rm -rf "$work"
  fi
fi
echo end
)sh";

const std::string_view kTagState = R"sh(
version=$2
if commit=$(git rev-parse -q --verify "refs/tags/$version^{commit}"); then
  printf 'commit %s\n' "$commit"
  ! git rev-list --objects --no-walk "$commit" >/dev/null 2>&1 || echo whole
fi
echo end
)sh";

const std::string_view kKeptChanges = R"sh(
version=$2
GIT_OPTIONAL_LOCKS=0; export GIT_OPTIONAL_LOCKS
if wanted=$(git rev-parse -q --verify "refs/tags/$version^{commit}"); then
  git for-each-ref --sort=-committerdate --count=20 --format='%(objectname) %(refname)' 'refs/backout/dirty-*' |
    while read -r kept ref; do
      [ "$(git rev-parse -q --verify "$kept^1")" = "$wanted" ] || continue
      files=$(git -c core.quotePath=false diff-tree -r --no-renames --name-only --diff-filter=MDT "$wanted" "$kept" | head -n 20)
      [ -z "$files" ] || printf '%s\n' "$files" | sed "s|^|by-hand $ref |"
    done
fi
echo end
)sh";

const std::string_view kKeptState = R"sh(
ref=$2 version=$3; shift 3
kept=$(git rev-parse -q --verify "$ref") || { echo end; exit 0; }
printf 'kept %s\n' "$kept"
git -c core.quotePath=false diff-tree -r --no-renames --name-only --diff-filter=MDT "$kept^1" "$kept" | head -n 200 | sed 's/^/by-hand /'
printf 'parent %s\n' "$(git rev-parse "$kept^1")"
printf 'head %s\n' "$(git rev-parse -q --verify HEAD || echo none)"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/objects"
GIT_INDEX_FILE=$work/index GIT_OBJECT_DIRECTORY=$work/objects GIT_ALTERNATE_OBJECT_DIRECTORIES=$common/objects
export GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES
git read-tree "$kept"
add_all "$work/ignored" "$@"
now=$(git -c core.fsync=none write-tree)
git diff-tree -r --no-renames --name-only "$kept^{tree}" "$now" | sort >"$work/changed"
{
  git ls-tree -r --name-only "$kept^1"
  ! target=$(git rev-parse -q --verify "refs/tags/$version^{commit}") || git ls-tree -r --name-only "$target"
} | sort -u >"$work/tracked"
comm -12 "$work/changed" "$work/tracked" | head -n 3 | sed 's/^/differs /'
git diff-tree -r --no-renames --name-only --diff-filter=D "$kept^{tree}" "$now" | head -n 3 | sed 's/^/gone /'
echo end
)sh";

std::string in_checkout(std::string_view body) {
  return build_script("path=$1\n" + std::string(kCheckoutStart) + std::string(kAddAll) + std::string(kTrackedTree) +
                      std::string(body));
}

}  // namespace backout::drivers::checkout
