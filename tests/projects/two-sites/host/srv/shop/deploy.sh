#!/bin/sh
# deploy.sh TAG: the shop.
set -eu
version=$1
cd /srv/shop
mkdir -p data
if [ ! -d "releases/$version" ]; then
  mkdir -p "releases/$version"
  git --git-dir /srv/git/shop.git archive "$version" | tar -x -C "releases/$version"
  echo "$version" >"releases/$version/VERSION"
fi
[ -e data/shop.sqlite3 ] || sqlite3 data/shop.sqlite3 "CREATE TABLE entries (id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL)"
chown -R www-data: data
ln -s "releases/$version" current.new
mv -T current.new current
systemctl restart shop
for _ in $(seq 50); do
  curl -fsS -o /dev/null http://127.0.0.1:8001/version && exit 0
  sleep 0.1
done
echo "the shop does not answer" >&2
exit 1
