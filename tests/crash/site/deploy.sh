#!/bin/sh
# What the fixture's team runs:  deploy.sh VERSION.  Leaves deploy-ended behind when it has come to its end.
set -eu
site=@SITE@
echo "start deploy $$" >>@TRACE@
rm -f "$site/deploy-ended"
touch "$site/deploy-begun"
pid=$(cat "$site/web.pid" 2>/dev/null | head -n 1 || true)
if [ -n "$pid" ]; then
  kill "$pid" 2>/dev/null || true
  while kill -0 "$pid" 2>/dev/null && ! grep -q ' Z ' "/proc/$pid/stat" 2>/dev/null; do sleep 0.01; done
fi
@BEFORE@
/usr/bin/python3 -ISB "@CODE_OF_RELEASE@/migrate.py" "$site/data.db"
printf 'settings of %s\n' "$1" >"$site/settings.new"
mv "$site/settings.new" "$site/settings"
printf '%s\n' "$1" >"$site/cache"
@SWITCH@
sync
cd "@CURRENT@"
PORT=@PORT@ DB=$site/data.db TRACE=@TRACE@ /usr/bin/setsid /usr/bin/python3 -ISB server.py </dev/null >>"$site/web.log" 2>&1 &
echo $! >"$site/web.pid"
sleep "$(cat "$site/slow-deploy" 2>/dev/null || echo 0.05)"
touch "$site/deploy-ended"
echo "end deploy $$" >>@TRACE@
