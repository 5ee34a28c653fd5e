#!/bin/sh
# deploy.sh VERSION: lays the release over the ones before it, stops the web server, migrates, switches, starts.
# SHOP_APP: the folder with v1, v2, ...; SHOP_MIGRATE and SHOP_START: commands, run in the release.
set -eu
version=$1
cd "$SHOP_ROOT"
mkdir -p releases run log
rm -rf "releases/$version"
mkdir "releases/$version"
for part in "$SHOP_APP"/v*/; do
  cp -R "$part." "releases/$version"
  [ "$(basename "$part")" != "$version" ] || break
done
echo "$version" >"releases/$version/VERSION"
if [ -s run/web.pid ]; then
  pid=$(cat run/web.pid)
  kill "$pid" || true
  while kill -0 "$pid" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$pid/status"; do sleep 0.1; done
fi
(cd "releases/$version" && eval "$SHOP_MIGRATE") >>"$SHOP_ROOT/log/migrate.log" 2>&1 || {
  tail -n 5 "$SHOP_ROOT/log/migrate.log" >&2
  exit 1
}
ln -sfn "releases/$version" current.new
mv -T current.new current
cd current
setsid sh -c "exec $SHOP_START" </dev/null >>"$SHOP_ROOT/log/web.log" 2>&1 &
echo $! >"$SHOP_ROOT/run/web.pid"
for _ in $(seq 200); do
  curl -fsS -o /dev/null -H 'X-Behind: 1' "http://127.0.0.1:$SHOP_PORT/health/" 2>/dev/null && exit 0
  sleep 0.1
done
echo "the shop does not answer" >&2
exit 1
