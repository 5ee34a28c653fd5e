#!/bin/sh
# What the team types to bring a release out: deploy.sh TAG
set -eu
cd /srv/notes/app
export PM2_HOME=/srv/notes/pm2
git fetch -q --tags origin
git checkout -q "$1"
npm ci --omit=dev --no-audit --no-fund --loglevel=error
node_modules/.bin/knex migrate:latest
pm2 startOrReload ecosystem.config.js --silent
for _ in $(seq 150); do
  [ "$(curl -fsS http://127.0.0.1:3000/version 2>/dev/null)" = "$1" ] && exit 0
  sleep 0.1
done
echo "notes does not answer as $1; see: PM2_HOME=$PM2_HOME pm2 logs notes" >&2
exit 1
