// The script behind look.h. Prints "<fact> <values>" lines and "end".
// Arguments: port, layout, path, version, kind (pidfile | unit | pids), pidfile or unit or pids, marks of the
// environment.
#pragma once
namespace backout::drivers {

inline constexpr const char* kLookScript = R"sh(
LC_ALL=C; export LC_ALL
port=$1 layout=$2 path=$3 version=$4 kind=$5 name=$6
shift 6
# One value on one line, whatever bytes it has.
fact() { printf '%s %s\n' "$1" "$(printf '%s' "$2" | tr '\n' ' ')"; }
changed_at() { stat -c %.9Y -- "$1" 2>/dev/null || stat -c %Y -- "$1" 2>/dev/null; }

# The time first, then the uptime: what passes between them makes a start look earlier than it was, never later, so that a
# process from before the switch cannot pass for one from after it.
now=$(date +%s.%N)
read -r up idle </proc/uptime
fact now "$now"
fact uptime "$up"
fact ticks "$(getconf CLK_TCK 2>/dev/null || echo 100)"
read -r boot </proc/sys/kernel/random/boot_id && fact boot "$boot"
cat /proc/[0-9]*/stat 2>/dev/null | awk '{
  pid = $1; rest = $0; sub(/^.*\) /, "", rest); split(rest, f, " ")
  print "process", pid, f[1], f[2], f[3], f[4], f[20] }'

main=
case $kind in
pids)
  main=$name
  # Whoever was started with the marks. When this very command was, they tell nothing.
  marked() {
    found=$1; shift
    for mark do found=$(printf '%s\n' "$found" | xargs -r grep -slzxF -e "$mark" --); done
    printf '%s\n' "$found"
  }
  if [ $# -gt 0 ] && [ -z "$(marked "/proc/$$/environ" "$@")" ]; then
    for file in $(marked "$(printf '%s\n' /proc/[0-9]*/environ)" "$@"); do
      file=${file#/proc/}; fact marked "${file%%/*}"
    done
  fi;;
pidfile)
  if [ -e "$name" ]; then
    if [ -r "$name" ]; then
      pid= began= started_in= stopping=
      { read -r pid; read -r began; read -r started_in; read -r stopping; } <"$name"
      fact pidfile "$pid"
      case $began in started=*) fact pidfile.started "${began#started=}";; esac
      case $started_in in boot=*) fact pidfile.boot "${started_in#boot=}";; esac
      [ -z "$stopping" ] || fact pidfile.stopping yes
      fact pidfile.written "$(changed_at "$name")"
      case $pid in ''|*[!0-9]*) ;; *) main=$pid;; esac
    else
      fact pidfile.unreadable "$name"
    fi
  fi;;
unit)
  if ! command -v systemctl >/dev/null 2>&1; then
    fact unit.error 'there is no systemctl here'
  elif shown=$(systemctl show -p LoadState,ActiveState,SubState,Result,MainPID,NRestarts,InvocationID,ControlGroup \
      -p ExecMainStartTimestampMonotonic,NeedDaemonReload,UnitFileState,Job -- "$name" 2>&1); then
    printf '%s\n' "$shown" | sed 's/^/unit /'
    main=$(printf '%s\n' "$shown" | sed -n 's/^MainPID=\([1-9][0-9]*\)$/\1/p')
    group=$(printf '%s\n' "$shown" | sed -n 's/^ControlGroup=//p')
    if [ -n "$group" ]; then
      in_group=$(grep -sF -- ":$group" /proc/[0-9]*/cgroup | awk -v group="$group" '{
        split($0, p, "/"); at = index($0, ":" group); rest = substr($0, at + 1 + length(group))
        if ((rest == "" || substr(rest, 1, 1) == "/") && !seen[p[3]]++) print p[3] }')
      for pid in $in_group; do fact cgroup "$pid"; done
      [ -n "$main" ] || main=$(printf '%s\n' "$in_group" | head -n 50)
    fi
  else
    fact unit.error "$shown"
  fi;;
esac

holders=
if [ "$port" -gt 0 ]; then
  listeners=$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
    awk -v port="$(printf %04X "$port")" '$4 == "0A" { split($2, a, ":"); if (a[2] == port) print "listen", $10, a[1] }')
  if [ -n "$listeners" ]; then
    printf '%s\n' "$listeners"
    inodes=$(printf '%s\n' "$listeners" | awk '{ printf "%s ", $2 }')
    held=$(ls -ln /proc/[0-9]*/fd 2>/dev/null | awk -v inodes=" $inodes" '
      /^\/proc\/[0-9]+\/fd:$/ { split($0, p, "/"); pid = p[3]; next }
      $NF ~ /^socket:\[[0-9]+\]$/ { inode = substr($NF, 9, length($NF) - 9)
        if (index(inodes, " " inode " ") && !seen[pid, inode]++) print "holds", pid, inode }')
    if [ -n "$held" ]; then
      printf '%s\n' "$held"
      holders=$(printf '%s\n' "$held" | awk '!seen[$2]++ { print $2 }')
    fi
  fi
fi

root=
if [ -n "$layout" ]; then
  if root=$(cd -P -- "$path" 2>/dev/null && pwd -P); then
    fact code.root "$root"
    case $layout in
    releases)
      switch=$path/current
      [ -e "$switch" ] && fact code.current "$(readlink -f -- "$switch")"
      [ -n "$version" ] && [ -d "$path/releases/$version" ] && fact code.target "$(readlink -f -- "$path/releases/$version")";;
    *)
      git=$path/.git
      if [ -f "$git" ]; then
        read -r word git <"$git"
        case $git in /*) ;; *) git=$path/$git;; esac
      fi
      switch=$git/HEAD;;
    esac
    fact code.switched "$(changed_at "$switch")"
  fi
fi

for pid in $(printf '%s\n' $main $holders | sort -u); do
  [ -e "/proc/$pid/stat" ] || continue
  fact "name $pid" "$(cat "/proc/$pid/comm" 2>/dev/null)"
  fact "cwd $pid" "$(readlink "/proc/$pid/cwd" 2>/dev/null)"
  fact "exe $pid" "$(readlink "/proc/$pid/exe" 2>/dev/null)"
  if [ -n "$root" ]; then
    tr '\n\0' ' \n' <"/proc/$pid/cmdline" 2>/dev/null | grep -F -e "$path/" -e "$root/" | cut -c 1-4096 |
      awk 'BEGIN { pid = ARGV[1]; path = ARGV[2]; root = ARGV[3]; ARGC = 1 }
        { at = index($0, path "/")
          print "arg", pid, at ? root substr($0, at + length(path)) : substr($0, index($0, root "/")) }' "$pid" "$path" "$root"
  fi
done
echo end
)sh";

}  // namespace backout::drivers
