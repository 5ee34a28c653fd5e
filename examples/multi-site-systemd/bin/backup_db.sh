#!/bin/sh
# backup_db.sh SLUG: what cron does every night.
set -eu
to=/srv/sum/$1/backups/$1-$(date +%Y%m%d-%H%M%S).sql.gz
pg_dump -h /run/postgresql -U backout "sum-$1" | gzip >"$to.part"
mv "$to.part" "$to"
echo "$to"
