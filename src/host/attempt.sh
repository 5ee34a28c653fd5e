#!/bin/sh
# The attempt shim: what backout runs at a target for everything that acts there. docs/formats/target.md is its contract.
#
#   sh attempt.sh start|attempt|inspect|kill ATTEMPT      sh attempt.sh claim|forget|run|read
#
# Everything else arrives on standard input as sh assignments (bo_complete=1 is the last one), so that no secret touches a
# disk or an argv. Answers are lines on standard output that begin with the caller's nonce, which the command never sees.
# POSIX sh; needs flock and setsid (util-linux), coreutils and /proc.
set -u
bo_verb=${1-}
bo_id=${2-}
[ $# -lt 2 ] || shift
[ $# -eq 0 ] || shift
# What the caller may say:
bo_nonce='' bo_root='' bo_name='' bo_journal='' bo_token=0            # every verb: who asks, where
bo_user='' bo_cwd='' bo_env='' bo_lines=0 bo_stdin='' bo_blocks=2049  # a command: run as, in, with; 512-byte blocks kept
bo_grace=2000 bo_mark=0 bo_keep=' ' bo_seconds=0 bo_path=''           # kill, forget, run, read
bo_made=0                                                             # start: see bo_make
bo_complete=0                                                         # said last
bo_old=${OLDPWD+x}${OLDPWD-} # our cd must not show in the command's environment
# shellcheck disable=SC1091
if [ -p /dev/stdin ] || [ -f /dev/stdin ]; then . /dev/stdin; else eval "$(cat)"; fi # a socket cannot be opened by name
[ "$bo_complete" = 1 ] || exit 11 # the caller was cut off while it spoke: nothing was done

bo_site=$bo_root/sites/$bo_name
bo_dir=$bo_site/attempts/$bo_id
bo_setsid=''

# --- speaking -----------------------------------------------------------------------------------------------------------

# One line to the caller, who may be gone: that must not end us.
bo_say() {
  trap '' PIPE
  printf '%s%s\n' "$bo_nonce" "$*" 2>/dev/null
  trap - PIPE
}

# KIND WORDS...: says why nothing was done, and ends.
bo_refuse() {
  bo_say "refused $*"
  exit 10
}

# --- durable state ------------------------------------------------------------------------------------------------------

bo_sync() { sync "$@" 2>/dev/null || sync; }

# NAME TEXT: one line of the site's state, whole or not at all.
bo_store() {
  printf '%s\n' "$2" 2>/dev/null >"$bo_site/$1.new" && bo_sync "$bo_site/$1.new" &&
    mv -f "$bo_site/$1.new" "$bo_site/$1" && bo_sync "$bo_site"
}

# FILE: its first line in bo_line; empty when there is none.
bo_load() {
  bo_line=''
  [ ! -e "$1" ] || IFS= read -r bo_line <"$1" || :
}

# WHAT: refuses with the reason that the system gives for not being able to write.
bo_cannot() {
  bo_why=$(LC_ALL=C dd if=/dev/zero of="$bo_site/probe" bs=4096 count=1 2>&1)
  rm -f "$bo_site/probe"
  case $bo_why in
    *'No space left'* | *uota*) bo_refuse full "$1" ;;
    *) bo_refuse state "$1" ;;
  esac
}

# Takes the site's lock (descriptor 9) and refuses another journal and an older token; keeps a newer one.
bo_guard() {
  for bo_line in flock setsid mkfifo sync; do
    command -v "$bo_line" >/dev/null || bo_refuse tools "$bo_line"
  done
  if [ ! -d "$bo_site/attempts" ]; then
    mkdir -p "$bo_site/attempts" 2>/dev/null || bo_cannot "cannot make $bo_site/attempts"
    bo_sync "$bo_site/attempts" "$bo_site" "$bo_root/sites" "$bo_root"
  fi
  { command exec 9>>"$bo_site/lock"; } 2>/dev/null || bo_cannot "cannot open $bo_site/lock"
  flock -w 30 -x 9 || bo_refuse busy "another process holds $bo_site/lock"
  bo_load "$bo_site/owner"
  if [ "$bo_line" != "$bo_journal" ]; then
    [ -z "$bo_line" ] || bo_refuse owner "$bo_line"
    bo_store owner "$bo_journal" || bo_cannot "cannot write $bo_site/owner"
  fi
  bo_load "$bo_site/token"
  case ${bo_line:=0} in *[!0-9]*) bo_refuse state "$bo_site/token is not a number" ;; esac
  [ "$bo_token" -ge "$bo_line" ] || bo_refuse token "$bo_line"
  [ "$bo_token" -eq "$bo_line" ] || bo_store token "$bo_token" || bo_cannot "cannot write $bo_site/token"
}

# --- processes ----------------------------------------------------------------------------------------------------------

# PID or "self": bo_pid bo_state bo_parent bo_group bo_session bo_start, from /proc/PID/stat. Fails when there is none.
bo_stat() {
  IFS= read -r bo_line 2>/dev/null <"/proc/$1/stat" || return 1
  bo_pid=${bo_line%% *}
  # The name in parentheses may hold anything. The words after it are numbers and letters.
  # shellcheck disable=SC2086
  set -- ${bo_line##*) }
  [ $# -ge 20 ] || return 1
  bo_state=$1 bo_parent=$2 bo_group=$3 bo_session=$4 bo_start=${20}
}

# PID START: that very process lives. A zombie is dead: pid 1 may reap slowly.
bo_lives() {
  bo_stat "$1" && [ "$bo_start" = "$2" ] && [ "$bo_state" != Z ] && [ "$bo_state" != X ]
}

# bo_now: hundredths of a second since boot.
bo_clock() {
  read -r bo_now bo_line </proc/uptime
  bo_now=${bo_now%.*}${bo_now#*.}
  while [ "${bo_now#0}" != "$bo_now" ] && [ "$bo_now" != 0 ]; do bo_now=${bo_now#0}; done
}

bo_nap() { sleep "$1" 2>/dev/null || sleep 1; }

# --- starting -----------------------------------------------------------------------------------------------------------

# What every attempt's directory begins as, so that one program makes it. The status is written over bytes that are there
# already: a disk which fills up meanwhile cannot prevent it.
bo_make_blank() {
  rm -rf "$bo_site/blank.new" && mkdir "$bo_site/blank.new" &&
    mkfifo "$bo_site/blank.new/o" "$bo_site/blank.new/e" "$bo_site/blank.new/i" &&
    printf '' >"$bo_site/blank.new/lock" && printf '' >"$bo_site/blank.new/out" && printf '' >"$bo_site/blank.new/err" &&
    printf '%-127s\n' reserved >"$bo_site/blank.new/status.new" && mv "$bo_site/blank.new" "$bo_site/blank"
}

# Makes the attempt's directory and takes its lock (descriptor 8), behind the guard. A controller at this machine has done
# all that by its own hand (bo_made), and has lent us the locks that it took: descriptors 8 and 9.
bo_make() {
  [ "$bo_made" = 0 ] || return 0
  { [ -d "$bo_site/blank" ] || bo_make_blank; } && cp -R "$bo_site/blank" "$bo_dir" && bo_lock_attempt
}

# What bo_make made, and the record, on the disk.
bo_sync_begin() {
  [ "$bo_made" = 0 ] || {
    bo_sync "$bo_dir/started" "$bo_dir"
    return
  }
  bo_sync "$bo_dir/status.new" "$bo_dir/started" "$bo_dir" "$bo_site/attempts" && wait "$bo_locking"
}

# Makes the attempt: its directory, its lock, its record. From here on it counts as started.
bo_begin() {
  [ "$bo_made" = 1 ] || [ ! -e "$bo_dir" ] || bo_refuse exists "$bo_id"
  bo_load /proc/sys/kernel/random/boot_id
  bo_boot=$bo_line
  bo_clock
  bo_began=$bo_now
  if bo_make && bo_stat self &&
    printf '%s %s %s %s %s.\n' "$bo_pid" "$bo_start" "$bo_boot" "$bo_began" "$bo_user" >"$bo_dir/started" &&
    bo_sync_begin; then
    exec 9>&-
  else
    rm -rf "$bo_dir"
    bo_cannot "cannot write into $bo_dir"
  fi 2>/dev/null
}

# Takes descriptor 8, which nobody else can hold yet, while the record is written: bo_locking has to be waited for.
bo_lock_attempt() {
  command exec 8>"$bo_dir/lock" || return 1
  flock -n -x 8 &
  bo_locking=$!
}

# NAME: keeps standard input in that file up to the limit, and goes on reading what is beyond it.
bo_drain() {
  ulimit -f "$bo_blocks" 2>/dev/null || :
  trap '' XFSZ
  if ! cat >>"$bo_dir/$1" 2>/dev/null; then
    : >"$bo_dir/$1.cut"
    : >"$bo_dir/$1.end"
    exec cat >/dev/null
  fi
  : >"$bo_dir/$1.end"
}

# What runs behind a change of user: the environment arrives on standard input, LINES of it, in front of the command's own.
# shellcheck disable=SC2016
bo_behind='bo_n=$1 bo_cwd=$2 bo_env="" bo_old=${OLDPWD+x}${OLDPWD-}
shift 2
while [ "$bo_n" -gt 0 ]; do
  IFS= read -r bo_l || exit 126
  bo_env="$bo_env$bo_l
"
  bo_n=$((bo_n - 1))
done
if [ -n "$bo_cwd" ] && ! cd -- "$bo_cwd" 2>/dev/null; then
  printf "backout: cannot enter the directory %s\n" "$bo_cwd" >&2
  exit 126
fi
if [ -n "$bo_old" ]; then OLDPWD=${bo_old#x}; else unset OLDPWD; fi
eval "$bo_env"
command -v -- "$1" >/dev/null 2>&1 || { printf "backout: no such program: %s\n" "$1" >&2; exit 127; }
exec "$@"'

# Becomes the command. With a user, standard input begins with the environment (bo_feed).
bo_become() {
  if [ -z "$bo_user" ]; then
    if [ -n "$bo_cwd" ] && ! cd -- "$bo_cwd" 2>/dev/null; then
      printf 'backout: cannot enter the directory %s\n' "$bo_cwd" >&2
      exit 126
    fi
    if [ -n "$bo_old" ]; then OLDPWD=${bo_old#x}; else unset OLDPWD; fi
    eval "$bo_env"
    if ! command -v -- "$1" >/dev/null 2>&1; then
      printf 'backout: no such program: %s\n' "$1" >&2
      exit 127
    fi
    # shellcheck disable=SC2086
    exec $bo_setsid "$@"
  fi
  set -- sh -c "$bo_behind" backout-command "$bo_lines" "$bo_cwd" "$@"
  # shellcheck disable=SC2086
  if [ "$bo_me" = 0 ]; then
    exec $bo_setsid "$bo_runuser" -u "$bo_user" -- "$@"
  else
    exec $bo_setsid sudo -n -u "$bo_user" -- "$@"
  fi
}

# What the command gets on its standard input.
bo_feed() {
  [ -z "$bo_user" ] || printf '%s' "$bo_env"
  printf '%b' "$bo_stdin"
}

# Who we are, when that matters. No change of user is made to the user that we are.
bo_users() {
  [ -n "$bo_user" ] || return 0
  bo_me=$(id -u)
  [ "$bo_user" != "$(id -un)" ] || bo_user=''
  bo_runuser=$(PATH=$PATH:/usr/sbin:/sbin command -v runuser || echo runuser)
}

# Runs the command and writes its status. Standard output is the caller's life line: it closes when the status is there.
# shellcheck disable=SC2094
bo_work() {
  bo_setsid=${BACKOUT_SETSID:-/usr/bin/setsid} # a substitution would be a fork; a test puts its witness here
  [ -x "$bo_setsid" ] || bo_setsid=$(command -v setsid)
  exec </dev/null 2>"$bo_dir/shim"
  # A fifo is opened both ways first (5), so that no open blocks; then each end by itself, so that its end is seen.
  # Redirections of a function call would leave saved copies of what they close; so each subshell redirects itself.
  exec 5<>"$bo_dir/o" 6<"$bo_dir/o" 3>"$bo_dir/o" 5>&-
  (
    exec <&6 >/dev/null 3>&- 6<&- 8>&-
    bo_drain out
  ) &
  exec 5<>"$bo_dir/e" 6<"$bo_dir/e" 4>"$bo_dir/e" 5>&-
  (
    exec <&6 >/dev/null 3>&- 4>&- 6<&- 8>&-
    bo_drain err
  ) &
  exec 6</dev/null
  if [ -n "$bo_user$bo_stdin" ]; then
    exec 5<>"$bo_dir/i" 6<"$bo_dir/i" 7>"$bo_dir/i" 5>&-
    (
      exec >&7 2>/dev/null 3>&- 4>&- 6<&- 7>&- 8>&-
      bo_feed
    ) &
    exec 7>&-
  fi
  (
    exec <&6 2>&4 4>&- 6<&-
    if bo_stat self && printf '%s %s.\n' "$bo_pid" "$bo_start" 2>/dev/null >"$bo_dir/pid"; then
      bo_say running
      exec >&3 3>&-
      bo_become "$@"
    fi
    echo 'backout: the command was not run, because its process number could not be written down' >&2
    exit 126
  )
  bo_exit=$?
  exec 3>&- 4>&- 6<&-
  bo_finish
}

# Writes the status. A shell folds "ended by signal N" into 128+N; but it announces that end on its standard error (all but
# INT and PIPE), so an honest exit status above 128 is told apart. runuser and sudo do the folding where we cannot see it.
bo_finish() {
  bo_signal=0
  if [ "$bo_exit" -gt 128 ] && [ "$bo_exit" -le 192 ]; then
    if [ -s "$bo_dir/shim" ] || [ -n "$bo_user" ] || [ "$bo_exit" = 130 ] || [ "$bo_exit" = 141 ]; then
      bo_signal=$((bo_exit - 128)) bo_exit=0
    fi
  fi
  bo_late=0
  [ ! -e "$bo_dir/late" ] || bo_late=1
  bo_clock
  # It appears whole, by a second name: ln starts in half the time of mv.
  printf '%-127s\n' "exit=$bo_exit signal=$bo_signal took_ms=$(((bo_now - bo_began) * 10)) timed_out=$bo_late end" \
    1<>"$bo_dir/status.new" && bo_sync "$bo_dir/status.new" &&
    { ln "$bo_dir/status.new" "$bo_dir/status" || mv -f "$bo_dir/status.new" "$bo_dir/status"; }
  exec >&-
  sync "$bo_dir" 2>/dev/null || [ ! -d "$bo_dir" ] || sync # forgotten already: nothing to make durable
}

bo_start() {
  bo_users
  [ "$bo_made" = 1 ] || bo_guard
  bo_begin
  bo_say started
  bo_work "$@"
}

# --- following ----------------------------------------------------------------------------------------------------------

# New output to the caller. Descriptors 4 and 5 keep their place in the files between calls.
bo_relay() {
  bo_say out
  cat <&4
  [ ! -s "$bo_dir/err" ] || {
    bo_say err
    cat <&5
  }
}

# The files stop growing when nobody holds the pipes any more; a daemon that does is not waited for.
bo_settled() {
  bo_tries=0
  while [ "$bo_tries" -lt 10 ] && { [ ! -e "$bo_dir/out.end" ] || [ ! -e "$bo_dir/err.end" ]; }; do
    bo_tries=$((bo_tries + 1))
    bo_nap 0.02
  done
}

bo_tick() {
  bo_stop=''
  trap 'bo_stop=1' TERM
  set -- 0.01 0.02 0.04 0.08
  while [ -z "$bo_stop" ]; do
    bo_relay
    bo_nap "${1-0.1}" >/dev/null 4<&- 5<&- &
    wait $!
    [ $# -eq 0 ] || shift
  done
}

# Standard input is the worker's life line: first what it says, then its end.
bo_follow() {
  bo_stage=''
  while [ "$bo_stage" != running ] && IFS= read -r bo_line; do
    printf '%s\n' "$bo_line"
    bo_stage=${bo_line#"$bo_nonce"}
  done
  case $bo_stage in started | running) ;; *) return 0 ;; esac
  exec 4<"$bo_dir/out" 5<"$bo_dir/err"
  (
    exec </dev/null
    bo_tick
  ) &
  bo_ticker=$!
  IFS= read -r bo_line
  kill "$bo_ticker" 2>/dev/null
  wait "$bo_ticker"
  bo_settled
  bo_relay
  bo_report
}

# The status, when there is one.
bo_report() {
  if [ -e "$bo_dir/out.cut" ] || [ -e "$bo_dir/err.cut" ]; then bo_say cut; fi
  bo_load "$bo_dir/status"
  case $bo_line in *' end '*) bo_say "status $bo_line" ;; esac
}

# --- looking again ------------------------------------------------------------------------------------------------------

# bo_kind: never, running, finished, lost. Reads who did what from the record first.
bo_look() {
  bo_kind=never bo_main='' bo_main_start=''
  bo_load "$bo_dir/started"
  case $bo_line in *.) ;; *) return 0 ;; esac # a directory without a record: nothing was run
  # shellcheck disable=SC2086
  set -- ${bo_line%.}
  bo_worker=$1 bo_worker_start=$2 bo_boot=$3 bo_began=$4 bo_user=${5-}
  bo_load /proc/sys/kernel/random/boot_id
  if [ "$bo_line" != "$bo_boot" ]; then # after a reboot no pid means anything
    bo_kind=lost
  elif bo_main_known && bo_lives "$bo_main" "$bo_main_start"; then
    bo_kind=running
  elif bo_lives "$bo_worker" "$bo_worker_start"; then
    bo_kind=between # about to start it, or to write its status
  elif [ -z "$bo_main" ] && ! flock -n -s "$bo_dir/lock" true; then
    bo_kind=between # the shim was ended, but what becomes the command lives
  else
    bo_kind=lost
  fi
  bo_load "$bo_dir/status" # read last: it may have been written while we looked
  case $bo_line in *' end '*) bo_kind=finished ;; esac
}

# The command's process number was written down.
bo_main_known() {
  bo_load "$bo_dir/pid"
  case $bo_line in *.) ;; *) return 1 ;; esac
  bo_main=${bo_line%% *} bo_main_start=${bo_line#* }
  bo_main_start=${bo_main_start%.}
}

# bo_look until the moments of starting and ending are over, 2 s at most.
bo_look_settled() {
  bo_tries=0
  bo_look
  while [ "$bo_kind" = between ] && [ "$bo_tries" -lt 100 ]; do
    bo_tries=$((bo_tries + 1))
    bo_nap 0.02
    bo_look
  done
  [ "$bo_kind" != between ] || bo_kind=running
}

bo_inspect() {
  bo_guard
  exec 9>&-
  bo_look_settled
  [ "$bo_kind" != finished ] || bo_settled
  [ "$bo_kind" != never ] || bo_began=0
  bo_clock
  bo_say "state $bo_kind $(((bo_now - bo_began) * 10))"
  [ "$bo_kind" != never ] || return 0
  exec 4<"$bo_dir/out" 5<"$bo_dir/err"
  bo_relay
  bo_report
}

# --- ending -------------------------------------------------------------------------------------------------------------

# bo_alive: what lives of the command: its session, its group, and what those have started.
bo_family() {
  bo_alive=' ' bo_before=''
  while [ "$bo_alive" != "$bo_before" ]; do
    bo_before=$bo_alive
    for bo_entry in /proc/[0-9]*; do
      bo_stat "${bo_entry#/proc/}" || continue
      case $bo_alive in *" $bo_pid "*) continue ;; esac
      [ "$bo_state" != Z ] || continue
      if [ "$bo_session" = "$bo_main" ] || [ "$bo_group" = "$bo_main" ] || [ "$bo_pid" = "$bo_main" ]; then
        bo_alive="$bo_alive$bo_pid "
      else
        case $bo_alive in *" $bo_parent "*) bo_alive="$bo_alive$bo_pid " ;; esac
      fi
    done
  done
}

# SIGNAL: to all of bo_alive, the command's own group at one stroke. What sudo runs as somebody else is signalled by sudo.
bo_signal_family() {
  kill -s "$1" -- "-$bo_main" 2>/dev/null
  for bo_each in $bo_alive; do
    kill -s "$1" "$bo_each" 2>/dev/null || [ -z "$bo_user" ] ||
      sudo -n -u "$bo_user" kill -s "$1" "$bo_each" 2>/dev/null
  done
}

# MILLISECONDS [SIGNAL]: waits until nothing lives. The signal is sent each time to what has been started meanwhile.
bo_await_end() {
  bo_clock
  bo_deadline=$((bo_now + $1 / 10))
  while bo_family && [ "$bo_alive" != ' ' ] && bo_clock && [ "$bo_now" -lt "$bo_deadline" ]; do
    [ $# -lt 2 ] || bo_signal_family "$2"
    bo_nap 0.02
  done
  [ "$bo_alive" = ' ' ]
}

bo_kill() {
  bo_guard
  exec 9>&-
  bo_look_settled
  if [ "$bo_kind" = running ] || { [ "$bo_kind" = lost ] && bo_orphans; }; then
    [ "$bo_mark" != 1 ] || : >"$bo_dir/late"
    bo_family
    bo_signal_family TERM
    bo_signal_family CONT
    bo_await_end "$bo_grace" || bo_await_end 5000 KILL || bo_refuse alive "$bo_alive"
    bo_tries=0
    while bo_lives "$bo_worker" "$bo_worker_start" && [ ! -e "$bo_dir/status" ] && [ "$bo_tries" -lt 100 ]; do
      bo_tries=$((bo_tries + 1))
      bo_nap 0.02
    done
  fi
  bo_say ended
}

# The command itself is gone without a status, in this boot, and its number has not gone to another process.
bo_orphans() {
  bo_load /proc/sys/kernel/random/boot_id
  [ -n "$bo_main" ] && [ "$bo_line" = "$bo_boot" ] && { ! bo_stat "$bo_main" || [ "$bo_start" = "$bo_main_start" ]; }
}

# Removes the attempts that are not in bo_keep (" id id ") and no longer run.
bo_forget() {
  bo_guard
  set --
  for bo_dir in "$bo_site/attempts"/*; do
    case $bo_keep in *" ${bo_dir##*/} "*) continue ;; esac
    [ -d "$bo_dir" ] || continue
    bo_look
    case $bo_kind in running | between) ;; *) set -- "$@" "$bo_dir" ;; esac
  done
  [ $# -eq 0 ] || rm -rf -- "$@" || bo_refuse state "cannot remove attempts of $bo_site"
  bo_say forgotten
}

# --- looking at anything ------------------------------------------------------------------------------------------------

bo_run() {
  bo_users
  bo_say begin
  if [ "$bo_seconds" != 0 ] && command -v timeout >/dev/null; then bo_setsid="timeout -k 2 $bo_seconds"; fi
  if [ -n "$bo_user$bo_stdin" ]; then
    bo_feed | (bo_become "$@")
  else
    (bo_become "$@") </dev/null
  fi
  bo_say "exit $?"
}

bo_read() {
  [ -e "$bo_path" ] || bo_refuse absent "$bo_path"
  if [ -d "$bo_path" ] || [ ! -r "$bo_path" ]; then bo_refuse denied "$bo_path"; fi
  bo_say begin
  cat -- "$bo_path" || bo_refuse denied "$bo_path"
  bo_say ended
}

case $bo_verb in
  start) bo_start "$@" ;;
  attempt) bo_start "$@" | bo_follow ;;
  inspect) bo_inspect ;;
  kill) bo_kill ;;
  claim)
    bo_guard
    bo_say claimed
    ;;
  forget) bo_forget ;;
  run) bo_run "$@" ;;
  read) bo_read ;;
  *) bo_refuse verb "$bo_verb" ;;
esac
