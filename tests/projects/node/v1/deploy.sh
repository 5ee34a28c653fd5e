#!/bin/sh
# deploy.sh TAG: moves this checkout to the tag; packages, and new workers one after the other.
set -eu
cd /srv/visits
git fetch -q --tags origin
git checkout -q "$1"
npm ci --omit=dev --offline --no-audit --no-fund --loglevel=error
echo "$1" >VERSION
runuser -u visits -- env HOME=/home/visits pm2 startOrReload ecosystem.config.js --silent
runuser -u visits -- env HOME=/home/visits pm2 save --silent # what is brought back after a reboot
for _ in $(seq 100); do
  [ "$(curl -fsS http://127.0.0.1:3000/version 2>/dev/null)" = "$1" ] && exit 0
  sleep 0.1
done
echo "visits does not answer as $1" >&2
exit 1
