#!/bin/sh
# What the team of the systemd site runs:  deploy_unit.sh VERSION
set -eu
site=@SITE@
touch "$site/deploy-begun"
systemctl stop web.service 2>/dev/null || true
/usr/bin/python3 -ISB "$site/releases/$1/migrate.py" "$site/data.db"
printf 'settings of %s\n' "$1" >"$site/settings"
printf '%s\n' "$1" >"$site/cache"
ln -s "releases/$1" "$site/current.new"
mv -T "$site/current.new" "$site/current"
sync
systemctl start web.service
touch "$site/deploy-ended"
