#!/bin/sh
# deploy.sh SLUG TAG: what the team types to upgrade one site.
set -eu
slug=$1 tag=$2
as() { runuser -u deploy -- env SITE_SLUG="$slug" "$@"; }
cd "/srv/sum/$slug/app"
as git fetch -q --tags origin
as git checkout -q "$tag"
as ../venv/bin/python -m pip install -q -r requirements.txt
as ../venv/bin/python manage.py collectstatic --noinput -v 0
systemctl stop "sum-$slug-gunicorn" "sum-$slug-celery"
as ../venv/bin/python manage.py migrate --noinput -v 0
systemctl start "sum-$slug-celery" "sum-$slug-gunicorn"
port=$(sed -n 's/^base_url: [^ ]*:\([0-9]*\).*/\1/p' "/srv/sum/$slug/backout.yaml")
for _ in $(seq 150); do
  [ "$(curl -fsS "http://127.0.0.1:$port/version" 2>/dev/null)" = "$tag" ] && exit 0
  sleep 0.1
done
echo "$slug does not answer as $tag; see: journalctl -u sum-$slug-gunicorn" >&2
exit 1
