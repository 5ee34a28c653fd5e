#!/bin/sh
# running.sh VERSION: the process of each host runs the binary of VERSION, and nothing older is left beside it.
for host in web-1 web-2 web-3; do
  said=$(ssh -F /srv/notes/ssh_config "$host" '
    main=$(systemctl show -p MainPID --value notesd.service)
    [ "$main" -gt 0 ] && [ "$(wc -l </sys/fs/cgroup$(systemctl show -p ControlGroup --value notesd.service)/cgroup.procs)" = 1 ] || echo "more than one process"
    cmp -s "/proc/$main/exe" /opt/notesd/notesd-'"$1"' && /proc/$main/exe version') || said="not the binary of $1 ($said)"
  [ "$said" = "$1" ] || { echo "$host: $said"; exit 1; }
done
