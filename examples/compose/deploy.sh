#!/bin/sh
# ./deploy.sh VERSION: what the team types.
set -eu
cd "$(dirname "$0")"
./image.sh "shop:$1" "$1"
sed -i "s/^TAG=.*/TAG=$1/" .env
if docker compose version >/dev/null 2>&1; then docker compose up -d; else docker-compose up -d; fi
