#!/bin/sh
# A real systemd as pid 1 of a container made from this machine's own root: an overlay, nothing is changed underneath.
#   systemd_host.sh up DIR [systemd-nspawn arguments]   prints the leader's pid; commands go there by: nsenter -t PID -a CMD
#   systemd_host.sh down DIR
# DIR is made and removed here, also when the caller of "up" has died. The container shares the network; of the machine's /tmp it sees only what --bind= names.
set -eu
verb=$1 dir=$2
shift 2

wait_for() {  # seconds, command
  end=$(($(date +%s) + $1))
  shift
  until "$@"; do
    [ "$(date +%s)" -lt "$end" ] || return 1
    sleep 0.05
  done
}
leader() { pgrep -P "$(cat "$dir/nspawn.pid")" | head -n 1; }
booted() {
  case $(nsenter -t "$(leader)" -a systemctl is-system-running 2>/dev/null) in running | degraded) ;; *) return 1 ;; esac
}
ended() { ! kill -0 "$1" 2>/dev/null || grep -q '^State:.*Z' "/proc/$1/status"; }

# Of this shell and what it becomes: in one for all, two containers would take each other's units of the same name for theirs.
own_control_group() {
  while IFS=: read -r _ kind path; do
    case $kind in
      name=systemd) tree=/sys/fs/cgroup/systemd ;;
      '') if [ -d /sys/fs/cgroup/unified ]; then tree=/sys/fs/cgroup/unified; else tree=/sys/fs/cgroup; fi ;;
      *) continue ;;
    esac
    if mkdir "$tree${path%/}/$name" && echo 0 >"$tree${path%/}/$name/cgroup.procs"; then
      echo "$tree${path%/}/$name" >>"$dir/control-groups"
    fi 2>/dev/null # where a machine forbids it they share one
  done </proc/self/cgroup
}

down() {
  if [ -s "$dir/nspawn.pid" ]; then
    nspawn=$(cat "$dir/nspawn.pid")
    first=$(leader || true)
    [ -z "$first" ] || kill -KILL "$first" 2>/dev/null || true
    wait_for 10 ended "$nspawn" || kill -KILL "$nspawn" 2>/dev/null || true
  fi
  if [ -s "$dir/control-groups" ]; then
    while read -r group; do find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null || true; done <"$dir/control-groups"
  fi
  mountpoint -q "$dir/root" && { umount "$dir/root" || umount -l "$dir/root"; }
  mountpoint -q "$dir" && { umount "$dir" || umount -l "$dir"; }
  rmdir "$dir"
}

case $verb in
up)
  command -v systemd-nspawn >/dev/null || {
    echo "systemd-nspawn is missing: apt-get install -y --no-install-recommends systemd-container" >&2
    exit 69
  }
  mkdir -p "$dir"
  mount -t tmpfs tmpfs "$dir" # the upper layer of an overlay must not lie in its lower one
  mkdir "$dir/upper" "$dir/work" "$dir/root"
  mount -t overlay overlay -o "lowerdir=/,upperdir=$dir/upper,workdir=$dir/work" "$dir/root"
  rm -rf "$dir/root/etc/systemd/system" # none of this machine's units
  mkdir -p "$dir/root/etc/systemd/system/multi-user.target.wants"
  ln -s /lib/systemd/system/multi-user.target "$dir/root/etc/systemd/system/default.target"
  echo backout-test >"$dir/root/etc/hostname"
  systemd-id128 new >"$dir/root/etc/machine-id"
  name=backout-$(printf %s "$dir" | tr -cd 'a-zA-Z0-9' | tail -c 20)
  (
    own_control_group
    exec setsid systemd-nspawn --register=no --keep-unit --console=pipe --link-journal=no -M "$name" -D "$dir/root" "$@" -b \
      </dev/null >"$dir/log" 2>&1
  ) &
  echo $! >"$dir/nspawn.pid"
  if ! wait_for 60 booted; then
    echo "systemd did not come up:" >&2
    tail -n 20 "$dir/log" >&2
    down
    exit 1
  fi
  leader
  # A test that is killed cannot take it down: this does, when the caller is gone.
  setsid sh "$0" watch "$dir" "$PPID" </dev/null >/dev/null 2>&1 &
  ;;
watch)
  while [ -d "$dir/root" ] && ! ended "$1"; do sleep 1; done
  [ ! -d "$dir/root" ] || down
  ;;
down) down ;;
*)
  echo "usage: systemd_host.sh up|down DIR" >&2
  exit 2
  ;;
esac
