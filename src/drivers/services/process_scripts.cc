#include "drivers/services/process_scripts.h"

#include "driver/outer_environment.h"

namespace backout::drivers {
namespace {

// identify: sets pid, began (start in ticks) and state: none (no pidfile) | gone | other (the number belongs to
// somebody else now) | alive, and stopping when it was told to end.
// members "KNOWN": the living processes of the service, as pid:start words: those of KNOWN that still live, all of the
// session or group that pid led, and all descendants.
// end_service: ends what identify found. It writes into the pidfile that it does so before it says so to the process: a
// start after a stop that was killed half-way must not take a process that is about to end for a running one.
constexpr const char* kCommon = R"sh(
LC_ALL=C; export LC_ALL
fail() { printf '%s\n' "$1" >&2; exit 1; }
centiseconds() { read -r up idle </proc/uptime; echo "${up%.*}${up#*.}"; }
start_of() {
  line=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
  set -- ${line##*) }
  case $1 in Z|X) ;; *) echo "${20}";; esac
}
identify() {
  pid= recorded= in_boot= stopping= state=none began=
  [ -e "$1" ] || return 0
  { read -r pid; read -r recorded; read -r in_boot; read -r stopping; } <"$1" || [ -r "$1" ] || fail "cannot read $1"
  case $pid in ''|*[!0-9]*|0|1) pid=; state=gone; return 0;; esac
  began=$(start_of "$pid")
  recorded=${recorded#started=}
  if [ -n "$recorded" ]; then
    read -r boot </proc/sys/kernel/random/boot_id
    if [ "${in_boot#boot=}" != "$boot" ]; then pid=; state=gone; return 0; fi
    if [ -z "$began" ]; then state=gone began=$recorded
    elif [ "$began" = "$recorded" ]; then state=alive
    else state=other; fi
    return 0
  fi
  if [ -z "$began" ]; then pid=; state=gone; return 0; fi
  # A pidfile of another program: whoever started after it was written is not the one it means.
  # The time first, then the uptime: what passes between them makes the start look earlier, never later.
  now=$(date +%s.%N)
  read -r up idle </proc/uptime
  if awk -v now="$now" -v up="$up" -v began="$began" -v hz="$(getconf CLK_TCK 2>/dev/null || echo 100)" \
      -v written="$(stat -c %.9Y -- "$1")" 'BEGIN { exit !(now - up + began / hz <= written + 0.02) }'
  then state=alive; else state=other; fi
  # A clock that was set since makes every old process look new; who holds the port is the service all the same.
  [ "$state" = alive ] || [ "${port:-0}" -eq 0 ] || ! listens "$pid" "$port" || state=alive
}
listens() {
  sockets=$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
    awk -v port=":$(printf %04X "$2")$" '$4 == "0A" && $2 ~ port { printf " socket:[%s] ", $10 }')
  [ -n "$sockets" ] || return 1
  for descriptor in "/proc/$1/fd/"*; do
    case $sockets in *" $(readlink "$descriptor" 2>/dev/null) "*) return 0;; esac
  done
  return 1
}
members() {
  cat /proc/[0-9]*/stat 2>/dev/null | awk -v root="$pid" -v began="$began" -v known=" $1 " '
    { p = $1; rest = $0; sub(/^.*\) /, "", rest); split(rest, f, " ")
      if (f[1] == "Z" || f[1] == "X") next
      start[p] = f[20]; parent[p] = f[2]
      if (index(known, " " p ":" f[20] " ")) mine[p] = 1
      if ((f[3] == root || f[4] == root) && f[20] + 0 >= began + 0) mine[p] = 1 }
    END {
      do { grown = 0
        for (p in start) if (!(p in mine) && (parent[p] in mine)) { mine[p] = 1; grown = 1 }
      } while (grown)
      for (p in mine) printf "%s:%s ", p, start[p] }'
}
tell() { for member in $2; do kill -s "$1" "${member%%:*}" 2>/dev/null; done; }
end_service() {
  ended=TERM told_rest=
  known=$(members "$pid:$began")
  case " $known" in *" $$:"*) fail "pid $pid of $pidfile is a parent of this very command: not stopped";; esac
  if [ "$state" = alive ]; then
    read -r boot </proc/sys/kernel/random/boot_id
    printf '%s\nstarted=%s\nboot=%s\nstopping\n' "$pid" "$began" "$boot" >"$pidfile.new" &&
      mv -f -- "$pidfile.new" "$pidfile" || fail "cannot write $pidfile"
    kill -s TERM "$pid" || fail "pid $pid cannot be told to stop"
  fi
  end=$(( $(centiseconds) + $1 / 10 ))
  while known=$(members "$known"); [ -n "$known" ]; do
    case " $known" in *" $pid:"*) ;; *)
      [ -n "$told_rest" ] || tell TERM "$known"
      told_rest=yes;;
    esac
    [ "$(centiseconds)" -lt "$end" ] || break
    sleep 0.05
  done
  [ -n "$known" ] || return 0
  ended=KILL
  end=$(( $(centiseconds) + 1000 ))
  while known=$(members "$known"); [ -n "$known" ]; do
    tell KILL "$known"
    [ "$(centiseconds)" -lt "$end" ] || fail "still alive 10 s after KILL: $known"
    sleep 0.05
  done
}
)sh";

constexpr const char* kStop = R"sh(
pidfile=$1 drain_ms=$2 port=$3
identify "$pidfile"
case $state in
none) echo '{"was": "not running"}'; exit 0;;
other) echo '{"was": "not running, the pidfile was of an earlier process"}'; exit 0;;
gone) [ -n "$pid" ] || { rm -f -- "$pidfile"; echo '{"was": "not running"}'; exit 0; };;
esac
was=$state
end_service "$drain_ms"
rm -f -- "$pidfile"
printf '{"was": "%s", "pid": %s, "ended_by": "%s"}\n' "$was" "$pid" "$ended"
)sh";

// Runs in the new session; its variables have names that no program's environment has. The lock (fd 8) is let go with
// every other descriptor, when the pidfile is there: a second start waits until then and sees it. dash knows
// descriptors up to 9 only; higher ones that would be inherited are rare, and closed by perl or bash.
constexpr const char* kChild = R"sh(
bo_pidfile=$1; shift
bo_field() { shift 19; echo "$1"; }
read -r bo_line </proc/self/stat
read -r bo_boot </proc/sys/kernel/random/boot_id
printf '%s\nstarted=%s\nboot=%s\n' "$$" "$(bo_field ${bo_line##*) })" "$bo_boot" >"$bo_pidfile.new" &&
  mv -f -- "$bo_pidfile.new" "$bo_pidfile" || exit 125
bo_high=
for bo_fd in /proc/self/fd/*; do
  bo_fd=${bo_fd##*/}
  case $bo_fd in
  [012]) ;;
  [3-9]) eval "exec $bo_fd>&-";;
  *[!0-9]*) ;;
  *)
    bo_flags=
    while read -r bo_key bo_value; do [ "$bo_key" = "flags:" ] && bo_flags=$bo_value; done 2>/dev/null <"/proc/self/fdinfo/$bo_fd"
    [ -n "$bo_flags" ] && [ $(( $bo_flags & 02000000 )) -eq 0 ] && bo_high="$bo_high $bo_fd";;
  esac
done 2>/dev/null
[ -n "$bo_high" ] || exec "$@"
command -v perl >/dev/null && exec perl -MPOSIX -e 'POSIX::close($_) for split " ", shift; exec { $ARGV[0] } @ARGV' "$bo_high" "$@"
command -v bash >/dev/null && exec bash -c 'for bo_fd in $1; do eval "exec $bo_fd>&-"; done; shift; exec "$@"' bash "$bo_high" "$@"
echo "cannot close descriptors$bo_high before the program starts: perl or bash is needed" >&2
exit 125
)sh";

constexpr const char* kStart = R"sh(
pidfile=$1 log=$2 cwd=$3 drain_ms=$4 port=$5 wait_ms=$6; shift 6
cd -- "${cwd:-/}" || fail "cannot start in $cwd"
exec 8>>"$log" || fail "cannot write $log"
flock -w 10 8 || fail "another start of this service is under way"
identify "$pidfile"
if [ "$state" = alive ] && [ -z "$stopping" ]; then
  printf '{"pid": %s, "was": "already running"}\n' "$pid"
  exit 0
fi
# What a stop has begun, or a leader that died has left behind, ends first.
case $state in alive|gone) [ -z "$pid" ] || end_service "$drain_ms";; esac
before=$(wc -c <"$log")
last_words() { tail -c "+$((before + 1))" -- "$log" | tail -n 20 >&2; }
former=$pid:$began
(become setsid -f sh -c "$CHILD" backout "$pidfile" "$@") </dev/null >>"$log" 2>&1 || fail "setsid failed"
end=$(( $(centiseconds) + 500 ))
while identify "$pidfile"; [ "$state" != alive ] || [ "$pid:$began" = "$former" ]; do
  if [ "$(centiseconds)" -ge "$end" ] || [ "$state" = gone -a "$pid:$began" != "$former" -a -n "$pid" ]; then
    last_words; fail "the process ended at once"
  fi
  sleep 0.02
done
new=$pid
# Until the port is open, or for a moment, see that it stays alive; what opened the port is for the look to say.
open() { cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v port=":$(printf %04X "$port")$" '$4 == "0A" && $2 ~ port { found = 1 } END { exit !found }'; }
[ "$port" -gt 0 ] || wait_ms=200
end=$(( $(centiseconds) + wait_ms / 10 ))
while :; do
  identify "$pidfile"
  if [ "$state" != alive ]; then last_words; fail "pid $new ended soon after its start"; fi
  [ "$port" -eq 0 ] || ! open || break
  if [ "$(centiseconds)" -ge "$end" ]; then
    [ "$port" -gt 0 ] || break
    last_words; fail "pid $new has not opened port $port after $wait_ms ms"
  fi
  sleep 0.05
done
printf '{"pid": %s}\n' "$pid"
)sh";

}  // namespace

std::string stop_process_script() { return std::string(kCommon) + kStop; }

std::string start_process_script() {
  const std::string common(kCommon);
  // Handed on in a variable and not in the environment: the child's own text must not reach the program.
  return std::string(driver::kOuterEnvironment) + common + "CHILD=$(cat <<'END_OF_CHILD'\n" + kChild +
         "\nEND_OF_CHILD\n)\n" + kStart;
}

}  // namespace backout::drivers
