// What static_files runs at the target: POSIX sh after kScriptStart. Arguments of all: to set source, then its own.
#pragma once
#include <string_view>

namespace backout::drivers::statics {

/// sums DIRECTORY: the SHA-256 of its files, as sha256sum writes it. copy_over FROM HOW: the names on standard input,
/// each atomically; HOW is -L (what a link points to) or -P (the link itself; a name that FROM has not is left).
inline constexpr std::string_view kStart = R"sh(
to=$1 set=$2 source=$3; shift 3
store=$to/.backout-static
names() { (cd -- "$1" && find ${2-} . -path ./.backout-static -prune -o '(' -type f -o -type l ')' ! -name '*.backout-tmp' -print0 | LC_ALL=C sort -z); }
sums() { (cd -- "$1" && find ${2-} . -path ./.backout-static -prune -o -type f ! -name '*.backout-tmp' -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum --); }
blocked() {  # names on standard input: up to three that cannot be a file of `to`, because of a directory or a file there
  [ ! -d "$to" ] || (cd -- "$to" && xargs -0 -r sh -c '
    for file; do
      if [ -d "$file" ] && [ ! -L "$file" ]; then printf "blocked %s\n" "$file (a directory)"; continue; fi
      at=${file%/*}
      while [ "$at" != . ] && [ "$at" != "${at%/*}" ]; do
        if [ -d "$at" ]; then break; fi
        if [ -e "$at" ] || [ -L "$at" ]; then printf "blocked %s\n" "$at (no directory)"; break; fi
        at=${at%/*}
      done
    done' sh | head -n 3)
}
differing() {  # SUMS: up to three files of `to` that are not so
  [ ! -s "$1" ] || (cd -- "$to" && sha256sum --check --quiet -- "$1" 2>/dev/null | head -n 3 | sed 's/: FAILED open or read$/ (gone)/; s/: FAILED$//; s/^/differs /')
}
copy_over() {
  (cd -- "$to" && xargs -0 -r sh -ec '
    from=$1 how=$2; shift 2
    trap '"'"'[ -z "${file-}" ] || rm -f -- "$file.backout-tmp"'"'"' EXIT
    for file; do
      rm -f -- "$file.backout-tmp"
      if [ "$how" = -P ] && [ ! -e "$from/$file" ] && [ ! -L "$from/$file" ]; then continue; fi
      [ -d "${file%/*}" ] || mkdir -p -- "${file%/*}"
      if [ "$how" = -P ] && [ -L "$from/$file" ]; then
        if [ -L "$file" ] && [ "$(readlink -- "$file")" = "$(readlink -- "$from/$file")" ]; then continue; fi
      elif [ -f "$file" ] && [ ! -L "$file" ] && cmp -s -- "$from/$file" "$file"; then continue; fi
      cp "$how" --reflink=auto --preserve=mode,ownership,timestamps -- "$from/$file" "$file.backout-tmp"
      mv -T -- "$file.backout-tmp" "$file"
    done' sh "$1" "$2")
  sync -f "$to" 2>/dev/null || sync
}
)sh";

/// A set that is there is left as it is. `source`: of the release that is left; its own files, and no others, may be
/// removed one day.
inline constexpr std::string_view kKeep = R"sh(
mkdir -p -- "$to"
[ ! -L "$store" ] || fail "$store is a symlink; nothing is kept through it"
mkdir -p -m 700 -- "$store"
[ "$(stat -c %u "$store")" = "$(id -u)" ] || fail "$store belongs to somebody else"
[ ! -f "$store/$set/manifest" ] || exit 0
part=$store/$set.backout-tmp
rm -rf -- "$part"
mkdir -p -- "$part/files"
names "$to" | (cd -- "$to" && xargs -0 -r cp -a --reflink=auto --parents -t "$part/files" --)
sums "$part/files" >"$part/manifest"
if [ -n "$source" ] && [ -d "$source" ]; then
  names "$source" -L | (cd -- "$to" && xargs -0 -r sh -c 'from=$1; shift
    for file; do [ -f "$file" ] && [ ! -L "$file" ] && cmp -s -- "$from/$file" "$file" && printf "%s\0" "$file"; done; :' sh "$source") >"$part/theirs"
fi
durable_tree "$part"
rm -rf -- "$store/$set"
mv -T -- "$part" "$store/$set"
durable "$store"
)sh";

inline constexpr std::string_view kBring = R"sh(
[ -d "$source" ] || fail "$source is not there, so the static files of the release are not known"
[ -f "$store/$set/manifest" ] || fail "what was in $to is not kept"
real=$(cd -- "$source" && pwd -P) dest=$(cd -- "$to" && pwd -P)
case $real/ in "$dest"/*) fail "$source lies in $to" ;; esac
case $dest/ in "$real"/*) fail "$to lies in $source" ;; esac
if [ ! -f "$store/$set/added" ]; then
  names "$source" -L | (cd -- "$to" && xargs -0 -r sh -c 'for file; do [ -e "$file" ] || [ -L "$file" ] || printf "%s\0" "$file"; done' sh) >"$store/$set/added.tmp"
  names "$source" -L >"$store/$set/brought"
  durable "$store/$set/added.tmp"
  durable "$store/$set/brought"
  mv -T -- "$store/$set/added.tmp" "$store/$set/added"
  durable "$store/$set"
fi
# What nobody has yet first: a page or a list that names it comes after it.
copy_over "$real" -L <"$store/$set/added"
names "$source" -L | copy_over "$real" -L
)sh";

inline constexpr std::string_view kReturn = R"sh(
[ -f "$store/$set/manifest" ] || fail "what was in $to is not kept in $store/$set"
if [ -f "$store/$set/added" ]; then
  copy_over "$store/$set/files" -P <"$store/$set/brought"  # and no other: what users changed since stays so
  (cd -- "$to" && xargs -0 -r sh -c 'for file; do rm -f -- "$file"; rmdir -p --ignore-fail-on-non-empty -- "${file%/*}" 2>/dev/null || :; done' sh) <"$store/$set/added"
  sync -f "$to" 2>/dev/null || sync
  rm -f -- "$store/$set/added"
  durable "$store/$set"
fi
)sh";

/// ... seconds
inline constexpr std::string_view kTidy = R"sh(
seconds=$1
[ -d "$store" ] || exit 0
cd -- "$store"
rm -rf -- ./*.backout-tmp ./*.backout-trash
now=$(date +%s)
for each in run-*; do
  [ -f "$each/manifest" ] && [ $((now - $(stat -c %Y "$each/manifest"))) -ge "$seconds" ] || continue
  [ ! -f "$each/theirs" ] || (cd -- "$to" && xargs -0 -r sh -c 'source=$1 kept=$2; shift 2
    for file; do
      [ ! -e "$source/$file" ] && [ -f "$file" ] && [ ! -L "$file" ] && cmp -s -- "$kept/$file" "$file" || continue
      rm -f -- "$file"
    done' sh "$source" "$store/$each/files") <"$each/theirs"
  rm -rf -- "./$each"
done
sync -f "$to" 2>/dev/null || sync
)sh";

/// ... what seconds: what is "run", "source", "is", "returned" or "tidy".
inline constexpr std::string_view kLook = R"sh(
what=$1 seconds=$2
work=$(mktemp -d)  # sums of a release
trap 'rm -rf "$work"' EXIT
damaged() { [ ! -s "$store/$set/manifest" ] || (cd -- "$store/$set/files" && sha256sum --check --quiet -- "$store/$set/manifest" 2>/dev/null | head -n 1 | sed 's/: FAILED.*//; s/^/damaged /'); }
case $what in
  run|returned)
    if [ -f "$store/$set/manifest" ]; then echo kept; damaged; fi
    if [ "$what" = returned ] && [ -f "$store/$set/manifest" ]; then
      [ ! -f "$store/$set/brought" ] || (cd -- "$to" && xargs -0 -r sh -c 'kept=$1; shift
        for file; do
          if [ -e "$file.backout-tmp" ]; then printf "differs %s\n" "$file.backout-tmp"; fi
          if [ -L "$kept/$file" ]; then
            [ -L "$file" ] && [ "$(readlink -- "$file")" = "$(readlink -- "$kept/$file")" ] && continue
          elif [ -f "$kept/$file" ]; then [ -f "$file" ] && [ ! -L "$file" ] && cmp -s -- "$kept/$file" "$file" && continue
          else continue; fi
          printf "differs %s\n" "$file"
        done' sh "$store/$set/files") <"$store/$set/brought" | head -n 3
      [ ! -f "$store/$set/added" ] || echo "differs what was brought is still there"
    fi ;;
  source|is)
    if [ -d "$source" ]; then
      sums "$source" -L >"$work/sums"
      printf 'files %s\n' "$(wc -l <"$work/sums")"
      names "$source" -L | blocked
      [ "$what" = source ] || { [ -d "$to" ] && differing "$work/sums" || [ -d "$to" ] || printf 'differs %s is not there\n' "$to"; }
    fi ;;
  tidy)
    now=$(date +%s)
    for each in "$store"/run-*; do
      [ -f "$each/manifest" ] && [ $((now - $(stat -c %Y "$each/manifest"))) -ge "$seconds" ] || continue
      printf 'old %s\n' "${each##*/}"
    done ;;
esac
echo end
)sh";

/// ... tag: of a checkout, where what it tracks is looked at; "": the release is at `source` when it is there.
inline constexpr std::string_view kReady = R"sh(
tag=$1 checkout=$2 from=$3
if [ -n "$tag" ]; then
  (cd -- "$checkout" && git cat-file -e "$tag^{tree}" 2>/dev/null && [ -z "$(git ls-tree "$tag" -- "$from/" 2>/dev/null | head -n 1)" ]) && echo untracked || :
fi
[ ! -L "$store" ] || printf 'fault %s is a symlink, and nothing is kept through it\n' "$store"
[ ! -e "$to" ] || [ -d "$to" ] || printf 'fault %s is no directory\n' "$to"
if [ -d "$source" ]; then
  printf 'files %s\n' "$(names "$source" -L | tr -dc '\000' | wc -c)"
  printf 'kilobytes %s\n' "$(du -skL -- "$source" | cut -f 1)"
  names "$source" -L | blocked
fi
if [ -d "$to" ]; then
  printf 'kept %s\n' "$(du -skx --exclude=.backout-static -- "$to" 2>/dev/null | cut -f 1)"
  printf 'kept_files %s\n' "$(names "$to" | tr -dc '\000' | wc -c)"
fi
echo end
)sh";

}  // namespace backout::drivers::statics
