// What code_ready.cc runs at a target: POSIX sh, arguments as "$1".. They change nothing that stays.
#pragma once
#include <string>
#include <string_view>

#include "drivers/code/releases_scripts.h"

namespace backout::drivers::ready {

/// directory: its size and its files, without crossing into other file systems.
inline constexpr std::string_view kMeasure = R"sh(
printf 'kilobytes %s\nfiles %s\nend\n' "$(du -skx -- "$1" 2>/dev/null | cut -f 1)" "$(find "$1" -xdev 2>/dev/null | wc -l)"
)sh";

/// directory: every file is read; one that we made is compared with its commit, by an index that trusts no time stamp.
inline constexpr std::string_view kReadWhole = R"sh(
cd "$1"
files=$(find . -xdev -path ./.git -prune -o -type f -print | wc -l)
find . -xdev -path ./.git -prune -o -type f -print0 | xargs -0 cat -- >/dev/null
if [ -f .backout-release ] && [ -d .git ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  GIT_INDEX_FILE=$work/index; export GIT_INDEX_FILE
  git read-tree HEAD
  echo compared
  git -c core.quotePath=false diff-files --name-only | while IFS= read -r file; do printf 'changed %s\n' "$file"; done
fi
printf 'files %s\nend\n' "$files"
)sh";

/// path version source: where the tag is.
inline constexpr std::string_view kTagOrSource = R"sh(
path=$1 version=$2 source=${3:-origin}
cd "$path"
commit=$(git rev-parse -q --verify "refs/tags/$version^{commit}") || commit=
if [ -n "$commit" ] && git cat-file -e "$commit^{tree}" 2>/dev/null; then
  printf 'here\ncommit %s\nend\n' "$commit"
  exit 0
fi
refs=$(timeout 20 git ls-remote --tags -- "$source" "refs/tags/$version" "refs/tags/$version^{}" 2>/dev/null) || refs=
commit=$(printf '%s\n' "$refs" | awk '$2 ~ /\^\{\}$/ { peeled = $1 } { plain = plain ? plain : $1 } END { print peeled ? peeled : plain }')
printf 'commit %s\nend\n' "$commit"
)sh";

/// path version source expected digest line...: a rollback's own fetch and build, in a scratch directory beside
/// releases.
inline std::string try_build_script() {
  return R"sh(
backout_base=$1 backout_version=$2 backout_source=$3 backout_commit=$4; shift 4
backout_scratch=$(mktemp -d "$backout_base/.backout-try-XXXXXX")
trap 'cd /; rm -rf "$backout_scratch"' EXIT
fetch_as_a_rollback_does() (
)sh" + std::string(releases::kFetch) +
         R"sh()
build_as_a_rollback_does() (
)sh" + std::string(releases::kBuild) +
         R"sh()
fetch_as_a_rollback_does "$backout_scratch" "$backout_version" "$backout_source" "$backout_commit"
[ $# -le 1 ] || build_as_a_rollback_does "$backout_scratch/releases/$backout_version" "$@"
)sh";
}

}  // namespace backout::drivers::ready
