// What looks at a log on its host, in plain sh. The first line of the answer says what was found, the rest is text of
// the log. Changes nothing.
#pragma once

namespace backout::host {

/// mark FILE LIMIT: "marked INODE SIZE ZONE", then at most the last LIMIT bytes, those of FILE.1 first when FILE alone
/// has fewer. A file that is not there: "missing".
/// scan FILE INODE OFFSET LIMIT: "read INODE SIZE SKIPPED FROM ZONE", then what was written behind OFFSET of the file
/// that had INODE, through a rotation (another inode; the old file found by its own) and a truncation (smaller than
/// OFFSET; a copy looked for as FILE.1). FROM: continued, rotated, truncated, lost (the old file is gone: from the
/// beginning). tail FILE LIMIT: as scan, the last LIMIT bytes, FROM tail.
inline constexpr const char* kLogScript = R"sh(
LC_ALL=C; export LC_ALL
act=$1 file=$2
if [ ! -e "$file" ]; then echo missing; exit 0; fi
if [ ! -f "$file" ]; then echo "it is no plain file" >&2; exit 3; fi
if [ ! -r "$file" ]; then echo "it may not be read" >&2; exit 3; fi
zone=$(date +%z)
set -- $(stat -L -c '%i %s' -- "$file") "$@"
inode=$1 size=$2; shift 2
last() { tail -c "$2" -- "$1"; }
case $act in
mark)
  limit=$3
  echo "marked $inode $size $zone"
  if [ "$size" -lt "$limit" ] && [ -f "$file.1" ] && [ -r "$file.1" ]; then last "$file.1" "$((limit - size))"; fi
  start=0; [ "$size" -gt "$limit" ] && start=$((size - limit))
  tail -c "+$((start + 1))" -- "$file" | head -c "$((size - start))" ;;
tail)
  limit=$3 skipped=0
  [ "$size" -gt "$limit" ] && skipped=$((size - limit))
  echo "read $inode $size $skipped tail $zone"
  tail -c "+$((skipped + 1))" -- "$file" | head -c "$((size - skipped))" ;;
scan)
  was=$3 offset=$4 limit=$5 from=continued old= old_size=0 start=$offset
  if [ "$was" = 0 ]; then start=0
  elif [ "$was" != "$inode" ]; then
    from=lost start=0
    for each in "$file".1 "$file"-* "$file".*; do
      [ -f "$each" ] && [ -r "$each" ] || continue
      if [ "$(stat -L -c %i -- "$each")" = "$was" ]; then old=$each from=rotated; break; fi
    done
  elif [ "$size" -lt "$offset" ]; then
    from=truncated start=0
    [ -f "$file.1" ] && [ -r "$file.1" ] && old=$file.1
  fi
  rest=0
  if [ -n "$old" ]; then
    old_size=$(stat -L -c %s -- "$old")
    if [ "$old_size" -lt "$offset" ]; then old= from=lost; else rest=$((old_size - offset)); fi
  fi
  new=$((size - start)) skipped=0
  [ "$new" -gt "$limit" ] && { skipped=$((new - limit)); start=$((start + skipped)); new=$limit; }
  if [ $((rest + new)) -gt "$limit" ]; then skipped=$((skipped + rest + new - limit)); offset=$((offset + rest + new - limit)); rest=$((limit - new)); fi
  echo "read $inode $size $skipped $from $zone"
  if [ "$rest" -gt 0 ]; then tail -c "+$((offset + 1))" -- "$old" | head -c "$rest"; fi
  tail -c "+$((start + 1))" -- "$file" | head -c "$new" ;;
esac
)sh";

/// The same of a unit's journal: mark UNIT LIMIT: "marked CURSOR SECONDS ZONE" and the last lines; scan UNIT CURSOR
/// SECONDS LIMIT: "read CURSOR SECONDS SKIPPED FROM ZONE"; tail UNIT SPAN LIMIT. CURSOR is "-" for a unit that never
/// said anything.
inline constexpr const char* kJournalScript = R"sh(
LC_ALL=C; export LC_ALL
act=$1 unit=$2
command -v journalctl >/dev/null || { echo "there is no journalctl" >&2; exit 3; }
case $(systemctl show -p LoadState --value -- "$unit" 2>&1) in
not-found) echo missing; exit 0 ;;
esac
zone=$(date +%z) now=$(date +%s)
cursor() { journalctl -q -u "$unit" -n 1 --show-cursor -o cat | sed -n 's/^-- cursor: //p' | tail -n 1; }
take() { journalctl -q -u "$unit" -o short-iso --no-pager "$@"; }
here=$(cursor) || { echo "the journal cannot be read" >&2; exit 3; }
[ -n "$here" ] || here=-
case $act in
mark)
  echo "marked $here $now $zone"
  take -n 5000 | cut -d' ' -f4- | tail -c "$3" ;;
tail)
  echo "read $here $now 0 tail $zone"
  take --since "@$((now - $3))" | cut -d' ' -f4- | tail -c "$4" ;;
scan)
  echo "read $here $now 0 continued $zone"
  if [ "$3" = - ]; then set -- "$1" "$2" "$3" "$4" "$5" --since "@$4"; else set -- "$1" "$2" "$3" "$4" "$5" --after-cursor "$3"; fi
  limit=$5; shift 5
  take "$@" | cut -d' ' -f4- | tail -c "$limit" ;;
esac
)sh";

}  // namespace backout::host
