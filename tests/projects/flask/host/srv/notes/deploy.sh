#!/bin/sh
# deploy.sh TAG: brings a release beside the running one, migrates, switches, restarts.
set -eu
version=$1
cd /srv/notes
mkdir -p releases data
if [ ! -d "releases/$version" ]; then
  git clone -q --branch "$version" /srv/git/notes.git "releases/$version.new"
  (
    cd "releases/$version.new"
    echo "$version" >VERSION
    python3 -m venv --system-site-packages --without-pip venv
    venv/bin/python -m pip install -q --no-index --find-links vendor -r requirements.txt
  )
  mv "releases/$version.new" "releases/$version"
fi
systemctl stop notes || true # the first time there is none
NOTES_DB=data/notes.sqlite3 "releases/$version/venv/bin/python" "releases/$version/migrate.py"
chown -R www-data: data
ln -s "releases/$version" current.new
mv -T current.new current
systemctl start notes
for _ in $(seq 50); do
  curl -fsS -o /dev/null http://127.0.0.1:8000/version && exit 0
  sleep 0.1
done
echo "notes does not answer" >&2
exit 1
