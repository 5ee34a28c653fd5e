#!/bin/sh
# What the team types to bring a release out: deploy.sh TAG
set -eu
cd /srv/forum/app
control="supervisorctl -c /srv/forum/supervisord.conf"
git fetch -q --tags origin
git checkout -q "$1"
[ -d venv ] || /usr/bin/python3 -m venv --system-site-packages --without-pip venv
venv/bin/python -m pip install -q -r requirements.txt
npm ci --prefix frontend --no-audit --no-fund --loglevel=error
npm run --silent --prefix frontend build
venv/bin/python manage.py collectstatic --noinput --clear -v 0
$control stop forum-beat forum-web forum-worker
venv/bin/python manage.py migrate --noinput -v 0
venv/bin/python manage.py rebuild_index --all
$control start forum-worker forum-web forum-beat
for _ in $(seq 150); do
  [ "$(curl -fsS http://127.0.0.1:8000/version 2>/dev/null)" = "$1" ] && exit 0
  sleep 0.1
done
echo "the forum does not answer as $1; see /srv/forum/log/web.log" >&2
exit 1
