// What static_files runs at the target: POSIX sh after kScriptStart. Arguments of all: to set source, then its own.
#pragma once
#include <string_view>

namespace backout::drivers::statics {

/// sums DIRECTORY: the SHA-256 of its files, as sha256sum writes it. copy_over FROM HOW: the names on standard input,
/// each atomically; HOW is -L (what a link points to) or -P (the link itself).
inline constexpr std::string_view kStart = R"sh(
to=$1 set=$2 source=$3; shift 3
store=$to/.backout-static
names() { (cd -- "$1" && find ${2-} . -path ./.backout-static -prune -o '(' -type f -o -type l ')' ! -name '*.backout-tmp' -print0 | LC_ALL=C sort -z); }
sums() { (cd -- "$1" && find ${2-} . -path ./.backout-static -prune -o -type f ! -name '*.backout-tmp' -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum --); }
links() { (cd -- "$1" && find . -path ./.backout-static -prune -o -type l -printf '%p -> %l\n' | LC_ALL=C sort); }
differing() {  # SUMS: up to three files of `to` that are not so
  [ ! -s "$1" ] || (cd -- "$to" && sha256sum --check --quiet -- "$1" 2>/dev/null | head -n 3 | sed 's/: FAILED open or read$/ (gone)/; s/: FAILED$//; s/^/differs /')
}
copy_over() {
  (cd -- "$to" && xargs -0 -r sh -ec '
    from=$1 how=$2; shift 2
    for file; do
      [ -d "${file%/*}" ] || mkdir -p -- "${file%/*}"
      if [ "$how" = -P ] && [ -L "$from/$file" ]; then
        if [ -L "$file" ] && [ "$(readlink -- "$file")" = "$(readlink -- "$from/$file")" ]; then continue; fi
      elif [ -f "$file" ] && [ ! -L "$file" ] && cmp -s -- "$from/$file" "$file"; then continue; fi
      rm -f -- "$file.backout-tmp"
      cp "$how" --reflink=auto --preserve=mode,ownership,timestamps -- "$from/$file" "$file.backout-tmp"
      mv -T -- "$file.backout-tmp" "$file"
    done' sh "$1" "$2")
  sync -f "$to" 2>/dev/null || sync
}
)sh";

/// ... how: "fresh" takes a set anew, else one that is there is left as it is. `source`: of the release that is left;
/// its own files, and no others, may be removed one day.
inline constexpr std::string_view kKeep = R"sh(
how=$1
mkdir -p -- "$to"
[ ! -L "$store" ] || fail "$store is a symlink; nothing is kept through it"
mkdir -p -m 700 -- "$store"
[ "$(stat -c %u "$store")" = "$(id -u)" ] || fail "$store belongs to somebody else"
[ "$how" = fresh ] || [ ! -f "$store/$set/manifest" ] || exit 0
part=$store/$set.backout-tmp
rm -rf -- "$part"
mkdir -p -- "$part/files"
names "$to" | (cd -- "$to" && xargs -0 -r cp -a --reflink=auto --parents -t "$part/files" --)
sums "$part/files" >"$part/manifest"
links "$part/files" >"$part/links"
if [ -n "$source" ] && [ -d "$source" ]; then
  names "$source" -L | (cd -- "$to" && xargs -0 -r sh -c 'from=$1; shift
    for file; do [ -f "$file" ] && [ ! -L "$file" ] && cmp -s -- "$from/$file" "$file" && printf "%s\0" "$file"; done; :' sh "$source") >"$part/theirs"
fi
durable_tree "$part"
rm -rf -- "$store/$set.backout-trash"
[ ! -e "$store/$set" ] || mv -T -- "$store/$set" "$store/$set.backout-trash"
mv -T -- "$part" "$store/$set"
durable "$store"
rm -rf -- "$store/$set.backout-trash"
)sh";

inline constexpr std::string_view kBring = R"sh(
[ -d "$source" ] || fail "$source is not there, so the static files of the release are not known"
[ -f "$store/$set/manifest" ] || fail "what was in $to is not kept"
real=$(cd -- "$source" && pwd -P) dest=$(cd -- "$to" && pwd -P)
case $real/ in "$dest"/.backout-static/*) ;; "$dest"/*) fail "$source lies in $to" ;; esac
case $dest/ in "$real"/*) fail "$to lies in $source" ;; esac
if [ ! -f "$store/$set/added" ]; then
  names "$source" -L | (cd -- "$to" && xargs -0 -r sh -c 'for file; do [ -e "$file" ] || [ -L "$file" ] || printf "%s\0" "$file"; done' sh) >"$store/$set/added.tmp"
  durable "$store/$set/added.tmp"
  mv -T -- "$store/$set/added.tmp" "$store/$set/added"
  durable "$store/$set"
fi
# What nobody has yet first: a page or a list that names it comes after it.
copy_over "$real" -L <"$store/$set/added"
names "$source" -L | copy_over "$real" -L
)sh";

inline constexpr std::string_view kReturn = R"sh(
[ -f "$store/$set/manifest" ] || fail "what was in $to is not kept in $store/$set"
names "$store/$set/files" | copy_over "$store/$set/files" -P
if [ -f "$store/$set/added" ]; then
  (cd -- "$to" && xargs -0 -r sh -c 'for file; do rm -f -- "$file" "$file.backout-tmp"; rmdir -p --ignore-fail-on-non-empty -- "${file%/*}" 2>/dev/null || :; done' sh) <"$store/$set/added"
  sync -f "$to" 2>/dev/null || sync
  rm -f -- "$store/$set/added"
  durable "$store/$set"
fi
)sh";

/// ... seconds spared-set...
inline constexpr std::string_view kTidy = R"sh(
seconds=$1; shift
spared=" $* "
[ -d "$store" ] || exit 0
cd -- "$store"
rm -rf -- ./*.backout-tmp ./*.backout-trash
now=$(date +%s)
for each in *; do
  [ -f "$each/manifest" ] && [ $((now - $(stat -c %Y "$each/manifest"))) -ge "$seconds" ] || continue
  case $each in
    run-*)
      [ ! -f "$each/theirs" ] || (cd -- "$to" && xargs -0 -r sh -c 'source=$1 kept=$2; shift 2
        for file; do
          [ ! -e "$source/$file" ] && [ -f "$file" ] && [ ! -L "$file" ] && cmp -s -- "$kept/$file" "$file" || continue
          rm -f -- "$file"
        done' sh "$source" "$store/$each/files") <"$each/theirs" ;;
    release-*) case $spared in *" $each "*) continue ;; esac ;;
    *) continue ;;
  esac
  rm -rf -- "./$each"
done
sync -f "$to" 2>/dev/null || sync
)sh";

/// ... what seconds spared-set...: what is "set", "run", "source", "is", "returned" or "tidy".
inline constexpr std::string_view kLook = R"sh(
what=$1 seconds=$2; shift 2
spared=" $* "
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
damaged() { [ ! -s "$store/$set/manifest" ] || (cd -- "$store/$set/files" && sha256sum --check --quiet -- "$store/$set/manifest" 2>/dev/null | head -n 1 | sed 's/: FAILED.*//; s/^/damaged /'); }
case $what in
  set|run|returned)
    if [ -f "$store/$set/manifest" ]; then echo kept; damaged; fi
    [ "$what" != set ] || [ ! -f "$store/$set/manifest" ] || { sums "$to" | cmp -s - "$store/$set/manifest" || echo "differs what is in $to now"; }
    if [ "$what" = returned ] && [ -f "$store/$set/manifest" ]; then
      differing "$store/$set/manifest"
      links "$to" >"$work/links"
      LC_ALL=C comm -23 "$store/$set/links" "$work/links" | head -n 3 | sed 's/^/differs /'
      [ ! -f "$store/$set/added" ] || echo "differs what was brought is still there"
    fi ;;
  source|is)
    if [ -d "$source" ]; then
      sums "$source" -L >"$work/sums"
      printf 'files %s\n' "$(wc -l <"$work/sums")"
      case $source in "$store"/*/files) set=${source%/files}; set=${set##*/}; damaged ;; esac
      [ "$what" = source ] || { [ -d "$to" ] && differing "$work/sums" || [ -d "$to" ] || printf 'differs %s is not there\n' "$to"; }
    fi ;;
  tidy)
    now=$(date +%s)
    for each in "$store"/*; do
      [ -f "$each/manifest" ] && [ $((now - $(stat -c %Y "$each/manifest"))) -ge "$seconds" ] || continue
      case $spared in *" ${each##*/} "*) continue ;; esac
      printf 'old %s\n' "${each##*/}"
    done ;;
esac
echo end
)sh";

}  // namespace backout::drivers::statics
