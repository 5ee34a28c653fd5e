#!/bin/sh
# canary.sh VERSION: starts it in the pool that has no traffic, and gives that 10 %. The other pool keeps the rest.
set -eu
cd /srv/shop
version=$1
if [ "$(cat run/stable 2>/dev/null)" = blue ]; then stable=blue canary=green port=8002; else stable=green canary=blue port=8001; fi

if [ -f run/$canary.pid ]; then
  pid=$(cat run/$canary.pid)
  kill "$pid" 2>/dev/null || true
  while kill -0 "$pid" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$pid/status"; do sleep 0.05; done
fi
setsid /usr/bin/python3 -B server.py "$version" "$port" </dev/null >>log/$canary.log 2>&1 &
echo $! >run/$canary.pid
tries=0
until [ "$(curl -sf http://127.0.0.1:$port/version)" = "$version" ]; do
  [ $((tries += 1)) -lt 200 ] || { echo "$version does not come up in $canary: see log/$canary.log" >&2; exit 1; }
  sleep 0.05
done

if [ -f run/stable ]; then
  ./weight.py $stable 90 $canary 10
else
  ./weight.py $canary 100 $stable 0         # the first release of all
  echo $canary >run/stable
fi
echo "$version serves from $canary"
