#!/bin/sh
# deploy.sh VERSION: lays the release over the one before it, stops the web server, migrates, switches, starts.
set -eu
version=$1
cd "$SHOP_ROOT"
mkdir -p releases run log
rm -rf "releases/$version"
mkdir "releases/$version"
for package in "$SHOP_PACKAGES"/v*/; do
  cp -R "$package." "releases/$version"
  [ "$(basename "$package")" != "$version" ] || break
done
echo "$version" >"releases/$version/VERSION"
if [ -s run/web.pid ]; then
  pid=$(cat run/web.pid)
  kill "$pid" || true
  while kill -0 "$pid" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$pid/status"; do sleep 0.1; done
fi
/usr/bin/python3 -B "releases/$version/manage.py" migrate -v0
ln -sfn "releases/$version" current.new
mv -T current.new current
cd current
setsid /usr/bin/python3 -B /usr/bin/gunicorn -w 2 --threads 4 -b "127.0.0.1:$SHOP_PORT" shop.wsgi </dev/null >>"$SHOP_ROOT/log/web.log" 2>&1 &
echo $! >"$SHOP_ROOT/run/web.pid"
for _ in $(seq 100); do
  curl -fsS -o /dev/null -H 'X-Behind: 1' "http://127.0.0.1:$SHOP_PORT/health/" 2>/dev/null && exit 0
  sleep 0.1
done
echo "the shop does not answer" >&2
exit 1
