// What is run at a host for `cron` (a file of jobs) and `crontab` (a user's own table).
//
// Jobs are the lines that are neither comments nor settings; one that is paused is a comment that begins with our mark.
// Arguments of the script: verb (count | pause | resume), file or user, text that a line must have, name of the saved
// copy, directory for saved copies of a user's table (empty: where backout keeps its state on that machine).
//
// pause   saves a copy of the table first, whole or not at all, and never over one that is there; edits into a file
// beside
//         it; installs that only when it is the table with nothing but our marks more, and reads back what was
//         installed
// resume  puts the saved copy back byte for byte, when nobody has changed the table meanwhile; else only our marks go,
//         and the copy stays as NAME.kept. Lines that were found paused stay so
// count   "jobs N", "parked N", "saved yes", "absent yes", and "end"; changes nothing
#pragma once

namespace backout::drivers {

inline constexpr const char* kCrontabStart = R"sh(
LC_ALL=C; export LC_ALL
verb=$1 of=$2 copy=$4 mark='#backout-paused '
BACKOUT_MATCH=$3 BACKOUT_SAVED=''; export BACKOUT_MATCH BACKOUT_SAVED
umask 077
fail() { printf '%s\n' "$1" >&2; exit 1; }
change() {  # pause | resume | count
  awk -v mark="$mark" -v verb="$1" '
    function job(line) { return line !~ /^[ \t]*(#|$)/ && line !~ /^[ \t]*[A-Za-z_][A-Za-z0-9_]*[ \t]*=/ }
    BEGIN {
      match_text = ENVIRON["BACKOUT_MATCH"]
      if (ENVIRON["BACKOUT_SAVED"] != "")
        while ((getline line < ENVIRON["BACKOUT_SAVED"]) > 0) if (index(line, mark) == 1) rested[line] = 1
    }
    {
      parked = index($0, mark) == 1
      line = parked ? substr($0, length(mark) + 1) : $0
      ours = job(line) && (match_text == "" || index(line, match_text) > 0)
      if (ours && parked) parked_jobs++
      if (ours && !parked) jobs++
      if (verb == "pause" && ours && !parked) print mark $0
      else if (verb == "resume" && ours && parked && !($0 in rested)) print line
      else if (verb != "count") print
    }
    END { if (verb == "count") printf "jobs %d\nparked %d\n", jobs, parked_jobs }'
}
sum() { sha256sum | cut -c 1-64; }
bare() {  # FILE: without any mark, and with a newline at its end; what cannot be read is like nothing else
  sed "s/^$mark//" <"$1" || printf 'not read: %s' "$1"
  [ -z "$(tail -c 1 <"$1")" ] || echo
}
same_but_for_marks() {
  [ -s "$1" ] && [ -s "$2" ] || return 1
  one=$(bare "$1" | sum) two=$(bare "$2" | sum)
  [ "${#one}" = 64 ] && [ "$one" = "$two" ]
}
alone() {  # DIRECTORY: two of one plan may edit the same table at once
  exec 7<"$1" && flock -w 20 7 || fail "$what is being written by another command: nothing was changed"
}
save() {  # FILE: as $saved, unless there is one
  [ ! -e "$saved" ] || return 0
  if cp -p -- "$1" "$saved.new" && chmod go-rwx "$saved.new" && cmp -s -- "$1" "$saved.new" && sync -- "$saved.new" &&
    mv -T -- "$saved.new" "$saved"; then return 0; fi
  rm -f -- "$saved.new"
  fail "$what could not be saved as $saved: nothing was changed"
}
edit() {  # NOW, into $new
  if [ "$verb" = pause ]; then
    change pause <"$1" >"$new" || fail "$what could not be written anew: nothing was changed"
  else
    exact=''
    if [ -s "$saved" ]; then
      change pause <"$saved" >"$new" || fail "$what could not be written anew: nothing was changed"
      if cmp -s -- "$new" "$1" || cmp -s -- "$saved" "$1"; then exact=yes; fi
      BACKOUT_SAVED=$saved
    fi
    if [ -n "$exact" ]; then cat <"$saved" >"$new"; else change resume <"$1" >"$new"; fi ||
      fail "$what could not be written anew: nothing was changed"
  fi
  same_but_for_marks "$1" "$new" || fail "$what would have lost something: nothing was changed"
}
let_go_of_copy() {  # FILE: what is there now
  [ "$verb" = resume ] && [ -e "$saved" ] || return 0
  # Other lines of the same table may have been paused, or let go on, by others meanwhile.
  if [ -n "$exact" ] || cmp -s -- "$saved" "$1" || same_but_for_marks "$saved" "$1"; then rm -f -- "$saved"; return 0; fi
  mv -f -T -- "$saved" "$saved.kept"
  echo "$what was changed while it was paused: what it was before is kept in $saved.kept"
}
)sh";

inline constexpr const char* kCronFile = R"sh(
what=$of directory=$(dirname -- "$of") name=$(basename -- "$of")
saved=$directory/.$name.backout-saved.$copy now=$directory/.$name.backout-now new=$directory/.$name.backout-tmp
if [ ! -e "$of" ]; then
  [ "$verb" != count ] && fail "there is no $of$([ ! -e "$saved" ] || echo "; as it was before: $saved")"
  printf 'absent yes\nend\n'
  exit 0
fi
[ -r "$of" ] || fail "$of cannot be read"
# Nothing of ours is there: a pause that did nothing has nothing to undo, whatever kept it from it.
if [ "$verb" = resume ] && [ ! -e "$saved" ] && ! grep -q "^$mark" <"$of"; then
  [ -e "$now" ] || [ -e "$new" ] || [ -e "$saved.new" ] || exit 0
  alone "$directory"
  rm -f -- "$now" "$new" "$saved.new"  # what a pause left that was killed before it had saved anything
  exit 0
fi
[ ! -L "$of" ] || fail "$of is a symlink: name the file that it leads to"
if [ "$verb" = count ]; then
  change count <"$of"
  [ ! -e "$saved" ] || echo saved yes
  echo end
  exit 0
fi
alone "$directory"
trap 'rm -f -- "$now" "$new"' EXIT
rm -f -- "$now" "$new"
if ! cp -p -- "$of" "$now" || ! cmp -s -- "$of" "$now"; then fail "$directory cannot be written: nothing was changed"; fi
[ "$verb" = resume ] || save "$now"
cp -p -- "$now" "$new" || fail "$directory cannot be written: nothing was changed"
edit "$now"
if ! cmp -s -- "$now" "$new"; then
  sync -- "$new" || fail "$new could not be written: nothing was changed"
  written=$(sum <"$new")
  cmp -s -- "$of" "$now" || fail "$of was changed by somebody at this moment: nothing was done"
  mv -T -- "$new" "$of"
  touch -- "$directory" 2>/dev/null || :
  [ "$(sum <"$of")" = "$written" ] || fail "$of is not what was written$([ ! -e "$saved" ] || echo "; as it was before: $saved")"
fi
let_go_of_copy "$of"
)sh";

inline constexpr const char* kOwnCrontab = R"sh(
what="the crontab of $of" keep=$5
if [ -z "$keep" ]; then
  if [ -n "${BACKOUT_TARGET:-}" ]; then keep=$BACKOUT_TARGET
  elif [ "$(id -u)" = 0 ]; then keep=/var/lib/backout/target
  else keep=${XDG_STATE_HOME:-$HOME/.local/state}/backout/target; fi
  keep=$keep/crontabs
fi
saved=$keep/$of.$copy work=$keep/$of.$copy.work
now=$work/now new=$work/new
crontab_of() { if [ "$(id -un)" = "$of" ]; then crontab "$@"; else crontab -u "$of" "$@"; fi; }
if ! crontab_of -l >/dev/null 2>&1; then
  why=$(crontab_of -l 2>&1 >/dev/null) || :
  case $why in
    *"no crontab for"*)
      [ "$verb" = count ] || fail "$of has no crontab$([ ! -e "$saved" ] || echo "; as it was before: $saved")"
      printf 'absent yes\nend\n'
      exit 0 ;;
  esac
  fail "$what cannot be read: $why"
fi
if [ "$verb" = count ]; then
  text=$(crontab_of -l 2>/dev/null) || fail "$what cannot be read"
  printf '%s\n' "$text" | change count
  [ ! -e "$saved" ] || echo saved yes
  echo end
  exit 0
fi
if [ "$verb" = resume ] && [ ! -e "$saved" ]; then
  ours=$(crontab_of -l 2>/dev/null | grep -c "^$mark") || :
  if [ "$ours" = 0 ]; then  # a pause that did nothing has nothing to undo, but may have been killed while it began
    [ -e "$work" ] || [ -e "$saved.new" ] || exit 0
    alone "$keep"
    rm -rf -- "$work" "$saved.new"
    exit 0
  fi
fi
mkdir -p -- "$keep" || fail "$keep cannot be made: nothing was changed"
alone "$keep"
trap 'rm -rf -- "$work"' EXIT
rm -rf -- "$work"
mkdir -- "$work" || fail "$keep cannot be written: nothing was changed"
# crontab may not notice that it could not write: what came through a pipe is compared.
crontab_of -l >"$now" 2>/dev/null || fail "$what cannot be read, or $keep not be written: nothing was changed"
read_again() { crontab_of -l 2>/dev/null | sum; }
[ -s "$now" ] && [ "$(read_again)" = "$(sum <"$now")" ] || fail "$what was not read whole: nothing was changed"
[ "$verb" = resume ] || save "$now"
edit "$now"
if ! cmp -s -- "$now" "$new"; then
  [ "$(read_again)" = "$(sum <"$now")" ] || fail "$what was changed by somebody at this moment: nothing was done"
  if ! crontab_of "$new" || [ "$(read_again)" != "$(sum <"$new")" ]; then
    before=$(sum <"$now")
    [ "$(read_again)" = "$before" ] || crontab_of "$now" || :
    [ "$(read_again)" = "$before" ] || fail "$what could not be installed, and is not as before: see $saved"
    fail "$what could not be installed: it is as it was before"
  fi
fi
let_go_of_copy "$new"
)sh";

}  // namespace backout::drivers
