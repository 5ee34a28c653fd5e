#!/bin/sh
# deploy.sh TAG: moves this checkout to the tag; packages, migrations, static files, programs.
set -eu
cd /srv/library/app
git fetch -q --tags origin
git checkout -q "$1"
echo "$1" >VERSION
[ -d venv ] || /usr/bin/python3 -m venv --system-site-packages --without-pip venv
venv/bin/python -m pip install -q --no-index -r requirements.txt
supervisorctl stop library:* >/dev/null
venv/bin/python manage.py migrate --noinput -v 0
venv/bin/python manage.py collectstatic --noinput -v 0
chown -R www-data: /srv/library/data
supervisorctl start library:*
for _ in $(seq 100); do
  curl -fsS -o /dev/null http://127.0.0.1:8000/version && exit 0
  sleep 0.1
done
echo "the library does not answer" >&2
exit 1
