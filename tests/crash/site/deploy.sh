#!/bin/sh
# What the fixture's team runs:  deploy.sh VERSION.  Leaves deploy-ended behind when it has come to its end.
set -eu
site=@SITE@
echo "start deploy $$" >>@TRACE@
rm -f "$site/deploy-ended"
touch "$site/deploy-begun"
@STOP@
@BEFORE@
/usr/bin/python3 -ISB "@CODE_OF_RELEASE@/migrate.py" "$site/data.db"
printf 'settings of %s\n' "$1" >"$site/settings.new"
mv "$site/settings.new" "$site/settings"
printf '%s\n' "$1" >"$site/cache"
@SWITCH@
sync
cd "@CURRENT@"
@START@
sleep "$(cat "$site/slow-deploy" 2>/dev/null || echo 0.05)"
touch "$site/deploy-ended"
echo "end deploy $$" >>@TRACE@
