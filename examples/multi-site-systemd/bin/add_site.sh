#!/bin/sh
# add_site.sh SLUG PORT REDIS: another site: its directory, database, units, front door and backout.yaml, from those of acme-kitchens.
# REDIS: the number of its redis database.
set -eu
slug=$1 port=$2 redis=$3
here=$(cd "$(dirname "$0")/.." && pwd)
fill() { sed "s/acme-kitchens/$slug/g; s/8001/$port/g; s/SITE_REDIS=0/SITE_REDIS=$redis/" "$1"; }
mkdir -p "/srv/sum/$slug/backups"
git clone -q /srv/git/sum.git "/srv/sum/$slug/app"
/usr/bin/python3 -m venv --system-site-packages --without-pip "/srv/sum/$slug/venv"
chown -R deploy: "/srv/sum/$slug"
for unit in gunicorn celery; do
  fill "$here/units/$unit.service" >"/etc/systemd/system/sum-$slug-$unit.service"
done
systemctl daemon-reload
fill "$here/nginx.conf" >"/etc/nginx/sites-enabled/$slug"
touch "/srv/sum/$slug/door.conf"
nginx -s reload
fill "$here/backout.yaml" >"/srv/sum/$slug/backout.yaml"
psql -q -h /run/postgresql -U postgres -d postgres -c "CREATE DATABASE \"sum-$slug\" OWNER deploy"
