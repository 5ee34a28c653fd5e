// What the releases driver runs at the target: POSIX sh, arguments as "$1"..
//
// Beside the files of a release that we made: .backout-release ("version V", "commit C"), written before the directory
// gets its final name, and .backout-build (the digest of the build commands), written when the last build command is
// done.
#pragma once
#include <string_view>

namespace backout::drivers::releases {

/// path version source expected-commit: releases/<version> from tag <version>.
inline constexpr std::string_view kFetch = R"sh(
path=$1 version=$2 source=$3 expected=$4
final=$path/releases/$version part=$path/releases/$version.backout-tmp
mkdir -p "$path/releases"
if [ -e "$final" ] || [ -L "$final" ]; then
  [ ! -L "$final" ] && [ -f "$final/.backout-release" ] || fail "$final was put there by somebody else meanwhile"
  exit 0
fi
rm -rf "$part"
command git init -q --template= "$part"
chmod 700 "$part/.git"
cd "$part"
mkdir -p .git/info
echo '.backout-*' >.git/info/exclude
git remote add origin "$source"
git fetch -q --no-tags --depth 1 origin "+refs/tags/$version:refs/tags/$version" ||
  git fetch -q --no-tags origin "+refs/tags/$version:refs/tags/$version"
commit=$(git rev-parse -q --verify "refs/tags/$version^{commit}") || fail "tag $version in $source is not a commit"
[ -z "$expected" ] || [ "$commit" = "$expected" ] ||
  fail "tag $version is now commit $commit; what ran as $version was $expected"
git checkout -q --detach "$commit"
[ ! -f .gitmodules ] || git submodule --quiet update --init --recursive
printf 'version %s\ncommit %s\n' "$version" "$commit" >.backout-release
cd "$path"
durable_tree "$part"
mv -T "$part" "$final"
durable "$path/releases"
)sh";

/// directory digest line...: runs the lines in order, from a clean tree when an earlier build did not finish.
inline constexpr std::string_view kBuild = R"sh(
dir=$1 digest=$2; shift 2
cd "$dir"
[ -f .backout-release ] || fail "$dir was not made by backout, so it is not built by it"
[ ! -f .backout-build ] || [ "$(cat .backout-build)" != "$digest" ] || exit 0
rm -f .backout-build .backout-build.tmp
rm -f .git/index.lock .git/HEAD.lock  # of an earlier build that was killed: nobody else works in a release
git reset -q --hard
git clean -ffdxq -e '.backout-*'
total=$# number=0
for line; do
  number=$((number + 1))
  printf 'build %s of %s\n' "$number" "$total" >&2
  (become sh -c "$line") </dev/null || { status=$?; printf 'build command %s of %s failed\n' "$number" "$total" >&2; exit $status; }
done
durable_tree "$dir"
printf '%s\n' "$digest" >.backout-build.tmp
durable .backout-build.tmp
mv -T .backout-build.tmp .backout-build
durable "$dir"
)sh";

/// directory: forgets that it is built. The files stay; the next build starts from a clean tree.
inline constexpr std::string_view kUnbuild = R"sh(
cd "$1" 2>/dev/null || exit 0
rm -f .backout-build
durable "$1"
)sh";

/// path target must: the link becomes `target`, none when it is empty; must is "exist" when the target has to be there.
inline constexpr std::string_view kSwitch = R"sh(
path=$1 target=$2 must=$3
cd "$path"
[ ! -e current ] || [ -L current ] || fail "$path/current is not a symlink"
if [ -z "$target" ]; then
  rm -f current
else
  [ "$must" != exist ] || [ -d "$target" ] || fail "$path/$target does not exist"
  rm -f current.backout-tmp
  ln -s -- "$target" current.backout-tmp
  if [ "$(id -u)" = 0 ] && [ -L current ]; then chown -h "$(stat -c %u:%g current)" current.backout-tmp; fi
  mv -T current.backout-tmp current
  # The record of its files speaks of what is current from now on; one from before it was made anew says nothing more.
  record=.backout/files/${target#releases/}
  if [ "$must" = exist ] && [ -f "$record" ]; then
    if [ -n "$(find "$target/.backout-release" "$target/.backout-build" -maxdepth 0 -newer "$record" 2>/dev/null)" ]; then
      rm -f "$record"
    else
      touch "$record"
    fi
  fi
fi
durable "$path"
)sh";

/// path keep protected...: removes the oldest releases, half-fetched ones and what an earlier removal left.
inline constexpr std::string_view kPrune = R"sh(
path=$1 keep=$2; shift 2
protected=" $* "
cd "$path/releases"
live=$(readlink -f ../current || :); live=${live##*/}
rm -rf ./*.backout-trash ./*.backout-tmp
is_release() {
  case $1 in ''|*[!A-Za-z0-9._+-]*|-*|.*|*.backout-*) return 1 ;; esac
  [ -d "$1" ] && [ ! -L "$1" ]
}
total=0
for name in *; do if is_release "$name"; then total=$((total + 1)); fi; done
ls -1tr | while IFS= read -r name; do
  [ "$total" -gt "$keep" ] || break
  is_release "$name" || continue
  [ "$name" != "$live" ] || continue
  case $protected in *" $name "*) continue ;; esac
  mv -T -- "$name" "$name.backout-trash"
  rm -rf -- "./$name.backout-trash"
  total=$((total - 1))
done
durable "$path/releases"
)sh";

/// path: the link and the releases.
inline constexpr std::string_view kObserve = R"sh(
path=$1
[ -d "$path" ] || { echo "path none"; echo end; exit 0; }
cd "$path"
if [ -L current ]; then
  printf 'link %s\n' "$(readlink current)"
  if [ -e current ]; then printf 'resolved %s\n' "$(readlink -f current)"; else echo dangling; fi
elif [ -e current ]; then
  echo obstacle
fi
[ -d releases ] || { echo end; exit 0; }
cd releases
printf 'home %s\n' "$(pwd -P)"
for name in *; do
  case $name in ''|*[!A-Za-z0-9._+-]*|-*|.*|*.backout-*) continue ;; esac
  [ -d "$name" ] && [ ! -L "$name" ] || continue
  commit=- ours=- built=-
  if [ -f "$name/.backout-release" ]; then
    ours=ours
    while read -r key value; do [ "$key" != commit ] || commit=$value; done <"$name/.backout-release"
    [ ! -s "$name/.backout-build" ] || built=built
  elif [ -e "$name/.git" ]; then
    commit=$(git -C "$name" rev-parse -q --verify HEAD 2>/dev/null) || commit=-
  elif [ -f "$name/REVISION" ]; then
    commit=$(head -c 40 "$name/REVISION" | tr -cd '0-9a-f')
  fi
  printf 'release %s %s %s %s\n' "$name" "${commit:--}" "$ours" "$built"
done
echo end
)sh";

/// directory: one release, in full.
inline constexpr std::string_view kInspect = R"sh(
dir=$1
if [ -L "$dir" ]; then echo "kind link"; echo end; exit 0; fi
if [ ! -d "$dir" ]; then echo "kind none"; echo end; exit 0; fi
echo "kind directory"
cd "$dir"
[ -z "$(ls -A | head -n 1)" ] || echo filled
if [ -f .backout-release ]; then
  echo ours
  while read -r key value; do [ "$key" != commit ] || printf 'commit %s\n' "$value"; done <.backout-release
  printf 'head %s\n' "$(git rev-parse -q --verify HEAD 2>/dev/null || echo none)"
  printf 'missing %s\n' "$(git ls-files --deleted 2>/dev/null | wc -l)"
  git -c core.quotePath=false diff --no-ext-diff --name-only HEAD 2>/dev/null | head -n 3 | sed 's/^/modified /'
  [ ! -s .backout-build ] || printf 'built %s\n' "$(cat .backout-build)"
fi
echo end
)sh";

/// source version: the tag's commit at the source.
inline constexpr std::string_view kTag = R"sh(
source=$1 version=$2
refs=$(git ls-remote --tags -- "$source" "refs/tags/$version" "refs/tags/$version^{}") || fail "cannot read $source"
printf '%s\n' "$refs" | while read -r commit ref; do
  [ -n "$commit" ] || continue
  case $ref in *'^{}') printf 'peeled %s\n' "$commit" ;; *) printf 'tag %s\n' "$commit" ;; esac
done
echo end
)sh";

}  // namespace backout::drivers::releases
