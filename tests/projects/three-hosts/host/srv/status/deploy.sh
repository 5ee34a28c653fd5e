#!/bin/sh
# deploy.sh TAG: brings a release to each of the three, one after the other, and restarts it there.
set -eu
version=$1
for host in web-1 web-2 web-3; do
  git --git-dir /srv/git/status.git archive "$version" | ssh "$host" "
    set -eu
    mkdir -p /srv/status/releases/$version
    cd /srv/status
    tar -x -C releases/$version
    echo $version >releases/$version/VERSION
    ln -s releases/$version current.new
    mv -T current.new current
    systemctl restart status"
  for _ in $(seq 50); do
    [ "$(curl -fsS "http://$host:8000/version" 2>/dev/null)" = "$version" ] && continue 2
    sleep 0.1
  done
  echo "$host does not answer as $version" >&2
  exit 1
done
