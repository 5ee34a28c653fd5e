#!/bin/sh
# deploy.sh VERSION: starts it in the pool that is out of traffic, and once it answers there, points nginx at that pool.
set -eu
cd /srv/shop
version=$1
if grep -q 8001 pool.conf; then pool=green port=8002; else pool=blue port=8001; fi

if [ -f run/$pool.pid ]; then
  pid=$(cat run/$pool.pid)
  kill "$pid" 2>/dev/null || true
  while kill -0 "$pid" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$pid/status"; do sleep 0.05; done
fi
setsid /usr/bin/python3 -B server.py "$version" "$port" </dev/null >>log/$pool.log 2>&1 &
echo $! >run/$pool.pid
tries=0
until [ "$(curl -sf http://127.0.0.1:$port/version)" = "$version" ]; do
  [ $((tries += 1)) -lt 200 ] || { echo "$version does not come up in $pool: see log/$pool.log" >&2; exit 1; }
  sleep 0.05
done

echo "server 127.0.0.1:$port;" >pool.conf.new
mv pool.conf.new pool.conf
nginx -q -t -p /srv/shop -c nginx.conf -e log/nginx-error.log
nginx -s reload -p /srv/shop -c nginx.conf -e log/nginx-error.log
echo "$version serves, from $pool"
