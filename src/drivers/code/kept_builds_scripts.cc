#include "drivers/code/kept_builds_scripts.h"

namespace backout::drivers::builds {

/// inode FILE; state_of FILE; listing DIR: a hash of what is in it by name, type, mode and size, without what programs
/// leave behind while they run; locks_at COMMIT; write_manifest FILE VERSION COMMIT LOCKS WHOLE RUN.
const std::string_view kStart = R"sh(
store=$gitdir/backout-builds
inode() { stat -c %i -- "$1" 2>/dev/null || echo none; }
state_of() { if [ -L "$1" ]; then echo symlink; elif [ -d "$1" ]; then echo present; elif [ -e "$1" ]; then echo file; else echo absent; fi; }
listing() {
  (cd -- "$1" && find . '(' -name __pycache__ -o -name .cache ')' -prune -o -type f -printf 'f %m %s %P\n' -o -type l -printf 'l %l %P\n' \
    -o -type d -printf 'd %m %P\n' | LC_ALL=C sort | sha256sum) | cut -c 1-64
}
lock_names='(requirements[^/]*\.(txt|in)|constraints[^/]*\.txt|poetry\.lock|pdm\.lock|uv\.lock|Pipfile\.lock|pyproject\.toml|setup\.(py|cfg)|package(-lock)?\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|bun\.lockb?|Gemfile(\.lock)?|composer\.lock|go\.sum|\.python-version|\.ruby-version|\.nvmrc)"?$'
locks_at() { { git ls-tree -r --full-tree "$1" | grep -E "[[:space:]/]$lock_names" || :; } | sha256sum | cut -c 1-64; }
locks_here() { if git diff --no-ext-diff --name-only HEAD | grep -qE "(^|/)$lock_names"; then echo changed; else locks_at HEAD; fi; }
of() { sed -n "s/^$2 //p" "$1" 2>/dev/null | head -n 1; }  # MANIFEST KEY
of_dir() { sed -n "s/^dir $2 //p" "$1" 2>/dev/null | cut -d ' ' -f "$3"; }  # MANIFEST NUMBER FIELD: state inode listing path
)sh";

/// path version dir...
const std::string_view kCopy = R"sh(
version=$2; shift 2
kept=$store/kept-$version part=$store/kept-$version.backout-tmp
locks=$(locks_here) head=$(git rev-parse -q --verify 'HEAD^{commit}')
mkdir -p "$store"
rm -rf "$part" "$kept.backout-trash"
if [ -f "$kept/manifest" ] && [ "$(of "$kept/manifest" commit) $(of "$kept/manifest" locks)" = "$head $locks" ]; then
  number=0 same=yes
  for dir; do
    number=$((number + 1))
    case $(of_dir "$kept/manifest" "$number" 1) in
      absent) [ ! -e "$dir" ] || same=no ;;
      present) { [ -d "$dir" ] && [ -d "$kept/$number" ] && [ "$(listing "$dir")" = "$(listing "$kept/$number")" ] &&
        [ "$(listing "$kept/$number")" = "$(of_dir "$kept/manifest" "$number" 3)" ]; } || same=no ;;
      *) same=no ;;
    esac
  done
  [ "$same" = no ] || [ -n "$(of_dir "$kept/manifest" $((number + 1)) 1)" ] || exit 0
fi
mkdir "$part"
printf 'version %s\ncommit %s\nlocks %s\n' "$version" "$head" "$locks" >"$part/manifest"
number=0 whole=no
for dir; do
  number=$((number + 1)) state=$(state_of "$dir")
  case $state in
    present)
      cp -a --reflink=auto -- "$dir" "$part/$number"
      whole=yes
      printf 'dir %s present %s %s %s\n' "$number" "$(inode "$part/$number")" "$(listing "$part/$number")" "$dir" >>"$part/manifest" ;;
    absent) printf 'dir %s absent - - %s\n' "$number" "$dir" >>"$part/manifest" ;;
    *) fail "$dir is a $state: name the directory itself in keep_builds" ;;
  esac
done
[ "$locks" != changed ] || whole=no
printf 'whole %s\n' "$whole" >>"$part/manifest"
durable_tree "$part"
[ ! -e "$kept" ] || mv -T "$kept" "$kept.backout-trash"
mv -T "$part" "$kept"
durable "$store"
rm -rf "$kept.backout-trash"
)sh";

/// path aside version whole dir...: the manifest first, so that it is known what went where whatever happens next.
const std::string_view kSetAside = R"sh(
aside=$store/aside-$2 version=$3 whole=$4; shift 4
mkdir -p "$aside"
durable "$store"
if [ ! -f "$aside/manifest" ]; then
  locks=$(locks_here)
  [ "$locks" != changed ] || whole=no
  printf 'version %s\ncommit %s\nlocks %s\nwhole %s\n' "$version" "$(git rev-parse -q --verify 'HEAD^{commit}')" "$locks" "$whole" \
    >"$aside/manifest.tmp"
  number=0
  for dir; do
    number=$((number + 1)) state=$(state_of "$dir")
    case $state in
      present) printf 'dir %s present %s - %s\n' "$number" "$(inode "$dir")" "$dir" >>"$aside/manifest.tmp" ;;
      absent) printf 'dir %s absent - - %s\n' "$number" "$dir" >>"$aside/manifest.tmp" ;;
      *) fail "$dir is a $state: name the directory itself in keep_builds" ;;
    esac
  done
  durable "$aside/manifest.tmp"
  mv -T "$aside/manifest.tmp" "$aside/manifest"
  durable "$aside"
fi
number=0
for dir; do
  number=$((number + 1))
  [ "$(of_dir "$aside/manifest" "$number" 1)" = present ] || continue
  [ "$(inode "$dir")" = "$(of_dir "$aside/manifest" "$number" 2)" ] || continue
  mv -T -- "$dir" "$aside/$number"
  durable "$(dirname -- "$dir")"
done
durable "$aside"
)sh";

/// path aside dir...
const std::string_view kReturn = R"sh(
aside=$store/aside-$2; shift 2
[ -f "$aside/manifest" ] || exit 0
number=0
for dir; do
  number=$((number + 1)) was=$(of_dir "$aside/manifest" "$number" 2)
  rm -rf "$aside/$number.trash"
  if [ "$(of_dir "$aside/manifest" "$number" 1)" = absent ]; then
    [ "$(state_of "$dir")" = absent ] || mv -T -- "$dir" "$aside/$number.trash"
  elif [ "$(inode "$aside/$number")" = "$was" ]; then
    [ "$(state_of "$dir")" = absent ] || mv -T -- "$dir" "$aside/$number.trash"
    mv -T -- "$aside/$number" "$dir"
  else
    [ "$(inode "$dir")" = "$was" ] || fail "$dir as it was found is gone"
  fi
  durable "$(dirname -- "$dir")"
done
durable "$aside"
rm -rf "$aside"/*.trash
)sh";

/// path version dir...
const std::string_view kBring = R"sh(
version=$2; shift 2
kept=$store/kept-$version
[ "$(of "$kept/manifest" whole)" = yes ] || fail "no whole build of $version is kept"
head=$(git rev-parse -q --verify 'HEAD^{commit}')
[ "$(of "$kept/manifest" commit)" = "$head" ] || fail "the build kept for $version is of another commit than $head"
[ "$(of "$kept/manifest" locks)" = "$(locks_at HEAD)" ] || fail "the build kept for $version is of other lock files"
number=0
for dir; do
  number=$((number + 1))
  [ "$(of_dir "$kept/manifest" "$number" 1)" = present ] || continue
  was=$(of_dir "$kept/manifest" "$number" 2)
  [ "$(inode "$dir")" != "$was" ] || continue
  [ -d "$kept/$number" ] || fail "the $dir kept for $version is gone"
  now=$(inode "$kept/$number")
  if [ "$now" != "$was" ]; then  # the checkout was copied here as a whole, from a backup for instance
    [ "$(listing "$kept/$number")" = "$(of_dir "$kept/manifest" "$number" 3)" ] || fail "the $dir kept for $version is another one"
    sed "s/^dir $number present $was /dir $number present $now /" "$kept/manifest" >"$kept/manifest.tmp"
    durable "$kept/manifest.tmp"
    mv -T "$kept/manifest.tmp" "$kept/manifest"
    durable "$kept"
  fi
  [ "$(state_of "$dir")" = absent ] || fail "$dir is in the way"
  mkdir -p -- "$(dirname -- "$dir")"
  mv -T -- "$kept/$number" "$dir"
  durable "$(dirname -- "$dir")"
done
durable "$kept"
)sh";

/// path version dir...
const std::string_view kStore = R"sh(
version=$2; shift 2
kept=$store/kept-$version
[ -f "$kept/manifest" ] || exit 0
number=0
for dir; do
  number=$((number + 1))
  [ "$(of_dir "$kept/manifest" "$number" 1)" = present ] || continue
  [ "$(inode "$dir")" = "$(of_dir "$kept/manifest" "$number" 2)" ] || continue
  mv -T -- "$dir" "$kept/$number"
  durable "$(dirname -- "$dir")"
done
durable "$kept"
)sh";

/// path aside version keep spared dir...: `spared` is one word of versions with spaces between.
const std::string_view kFile = R"sh(
aside=$store/aside-$2 version=$3 keep=$4 spared=" $5 "; shift 5
kept=$store/kept-$version
rm -rf "$store"/*.backout-trash
if [ -f "$aside/manifest" ]; then
  grep -v '^dir ' "$aside/manifest" >"$aside/manifest.tmp"
  number=0 any=no
  for dir; do
    number=$((number + 1))
    if [ -d "$aside/$number" ]; then
      any=yes
      printf 'dir %s present %s %s %s\n' "$number" "$(inode "$aside/$number")" "$(listing "$aside/$number")" "$dir" >>"$aside/manifest.tmp"
    else
      printf 'dir %s absent - - %s\n' "$number" "$dir" >>"$aside/manifest.tmp"
    fi
  done
  durable "$aside/manifest.tmp"
  mv -T "$aside/manifest.tmp" "$aside/manifest"
  durable "$aside"
  [ "$any" = no ] || {
    [ ! -e "$kept" ] || mv -T "$kept" "$kept.backout-trash"
    mv -T "$aside" "$kept"
    durable "$store"
  }
fi
rm -rf "$aside" "$store"/*.backout-trash "$store"/*.backout-tmp
for other in "$store"/aside-*; do  # of runs that put everything back
  [ -d "$other" ] || continue
  [ -n "$(find "$other" -mindepth 1 -maxdepth 1 -type d | head -n 1)" ] || rm -rf "$other"
done
cd "$store"
total=$(find . -mindepth 1 -maxdepth 1 -name 'kept-*' | wc -l)
ls -1tr | while IFS= read -r name; do
  [ "$total" -gt "$keep" ] || break
  case $name in kept-*) ;; *) continue ;; esac
  case $spared in *" ${name#kept-} "*) continue ;; esac
  mv -T -- "$name" "$name.backout-trash"
  rm -rf -- "$name.backout-trash"
  total=$((total - 1))
done
durable "$store"
)sh";

/// path name version dir...: what is stored under `name`, and how the places look. `version` may be empty.
const std::string_view kState = R"sh(
name=$2 version=$3; shift 3
GIT_OPTIONAL_LOCKS=0; export GIT_OPTIONAL_LOCKS
stored=$store/$name
if [ -f "$stored/manifest" ]; then
  echo manifest
  sed -n '/^dir /!p' "$stored/manifest"
fi
printf 'head %s\n' "$(git rev-parse -q --verify 'HEAD^{commit}' || echo none)"
printf 'head-locks %s\n' "$(locks_at HEAD 2>/dev/null || echo none)"
if [ -n "$version" ] && commit=$(git rev-parse -q --verify "refs/tags/$version^{commit}"); then
  printf 'wanted %s\nwanted-locks %s\n' "$commit" "$(locks_at "$commit")"
fi
number=0
for dir; do
  number=$((number + 1)) was=$(of_dir "$stored/manifest" "$number" 2)
  printf 'recorded %s %s\n' "$(of_dir "$stored/manifest" "$number" 1)" "$dir"
  live=other
  [ "$(state_of "$dir")" != absent ] || live=absent
  [ "$(inode "$dir")" != "${was:--}" ] || live=same
  printf 'live %s\n' "$live"
  inside=other expected=$(of_dir "$stored/manifest" "$number" 3)
  if [ ! -d "$stored/$number" ]; then
    inside=absent
  elif [ "${expected:--}" != - ]; then
    if [ "$(listing "$stored/$number")" = "$expected" ]; then inside=same; else inside=differs; fi
  elif [ "$(inode "$stored/$number")" = "${was:--}" ]; then
    inside=same
  fi
  printf 'inside %s\n' "$inside"
done
echo end
)sh";

/// path dir...: what is kept, and whether the directories can be renamed into the store.
const std::string_view kObserve = R"sh(
shift
GIT_OPTIONAL_LOCKS=0; export GIT_OPTIONAL_LOCKS
device=$(stat -c %d "$gitdir")
for dir; do
  parent=$(dirname -- "$dir") state=$(state_of "$dir")
  case $state in
    symlink|file) printf 'obstacle %s is a %s: name the directory itself\n' "$dir" "$state" ;;
    present)
      [ "$(stat -c %d -- "$dir")" = "$device" ] || printf 'obstacle %s is on another file system than %s\n' "$dir" "$gitdir"
      { [ -w "$parent" ] && [ -w "$dir" ]; } || printf 'obstacle %s cannot be renamed by user %s\n' "$dir" "$(id -un)" ;;
    absent)
      [ ! -d "$parent" ] || [ -w "$parent" ] || printf 'obstacle %s cannot be made by user %s\n' "$dir" "$(id -un)" ;;
  esac
done
for kept in "$store"/kept-*; do
  [ -f "$kept/manifest" ] || continue
  case $kept in *.backout-*) continue ;; esac
  whole=$(of "$kept/manifest" whole) number=0
  for dir; do
    number=$((number + 1))
    case $(of_dir "$kept/manifest" "$number" 1) in
      absent) ;;
      present) { [ "$(of_dir "$kept/manifest" "$number" 4-)" = "$dir" ] && [ -d "$kept/$number" ]; } || whole=no ;;
      *) whole=no ;;
    esac
  done
  printf 'kept %s %s %s %s\n' "$(of "$kept/manifest" version)" "$(of "$kept/manifest" commit)" "$(of "$kept/manifest" locks)" "$whole"
done
echo end
)sh";

}  // namespace backout::drivers::builds
