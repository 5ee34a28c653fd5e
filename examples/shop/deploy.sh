#!/bin/sh
# What the shop's team runs to put a release on this machine:  deploy.sh VERSION
# Unpacks the release, stops the services, migrates the database, switches the symlink, starts the services.
#   SHOP_ROOT      where the shop lives (/srv/shop)
#   SHOP_PACKAGES  where the releases come from (this directory); a release is laid over the one before it
#   SHOP_PORT      the web server's port behind nginx (8000)
set -eu
version=${1:?usage: deploy.sh VERSION}
here=$(cd "$(dirname "$0")" && pwd)
SHOP_ROOT=${SHOP_ROOT:-/srv/shop}
SHOP_PACKAGES=${SHOP_PACKAGES:-$here}
SHOP_PORT=${SHOP_PORT:-8000}
SHOP_DB=$SHOP_ROOT/shared/shop.db
export SHOP_DB SHOP_PORT

release=$SHOP_ROOT/releases/$version

unpack() {
  mkdir -p "$SHOP_ROOT/releases" "$SHOP_ROOT/shared" "$SHOP_ROOT/run" "$SHOP_ROOT/log"
  rm -rf "$release.new"
  mkdir "$release.new"
  for package in "$SHOP_PACKAGES"/v*/; do
    cp -R "$package." "$release.new"
    [ "$(basename "$package")" != "$version" ] || break
  done
  [ "$(cat "$release.new/VERSION")" = "$version" ] || { echo "no release $version in $SHOP_PACKAGES" >&2; exit 1; }
  rm -rf "$release"
  mv "$release.new" "$release"
}

stop() {
  pidfile=$SHOP_ROOT/run/$1.pid
  [ -s "$pidfile" ] || return 0
  pid=$(cat "$pidfile")
  kill "$pid" 2>/dev/null || true
  for _ in $(seq 100); do
    case $(cut -d ' ' -f 3 "/proc/$pid/stat" 2>/dev/null || echo Z) in Z) rm -f "$pidfile"; return 0 ;; esac
    sleep 0.1
  done
  echo "$1 (process $pid) did not stop within 10 s" >&2
  exit 1
}

start() {
  cd "$SHOP_ROOT/current"
  setsid /usr/bin/python3 -B "$1.py" </dev/null >>"$SHOP_ROOT/log/$2.log" 2>&1 &
  echo $! >"$SHOP_ROOT/run/$2.pid"
}

answers() {
  for _ in $(seq 100); do
    curl -fsS -o /dev/null "http://127.0.0.1:$SHOP_PORT/health/" 2>/dev/null && return 0
    sleep 0.1
  done
  echo "the shop does not answer on port $SHOP_PORT; see $SHOP_ROOT/log/web.log" >&2
  exit 1
}

echo "unpack $version"
unpack
echo "stop worker, web"
stop worker
stop web
echo "migrate the database"
/usr/bin/python3 -B "$release/migrate.py"
echo "switch to $version"
ln -sfn "releases/$version" "$SHOP_ROOT/current.new"
mv -T "$SHOP_ROOT/current.new" "$SHOP_ROOT/current"
echo "start web, worker"
start server web
answers
start worker worker
echo "$version is deployed"
