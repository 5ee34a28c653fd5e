#!/bin/sh
# running.sh VERSION: on each host one process of notesd runs, and its program is the file notesd-VERSION.
for host in web-1 web-2 web-3; do
  said=$(ssh -F /srv/notes/ssh_config "$host" '
    main=$(systemctl show -p MainPID --value notesd.service)
    count=$(ls -l /proc/[0-9]*/exe 2>/dev/null | grep -c " /opt/notesd/")
    if [ "$count" != 1 ]; then echo "$count processes"
    elif cmp -s "/proc/$main/exe" "/opt/notesd/notesd-'"$1"'"; then "/proc/$main/exe" version
    else echo "the program is not notesd-'"$1"'"; fi') || said="no answer"
  [ "$said" = "$1" ] || { echo "$host: $said"; exit 1; }
done
