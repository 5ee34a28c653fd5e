#!/bin/sh
# deploy.sh TAG: the blog.
set -eu
version=$1
cd /srv/blog
mkdir -p data
if [ ! -d "releases/$version" ]; then
  mkdir -p "releases/$version"
  git --git-dir /srv/git/blog.git archive "$version" | tar -x -C "releases/$version"
  echo "$version" >"releases/$version/VERSION"
fi
[ -e data/blog.sqlite3 ] || sqlite3 data/blog.sqlite3 "CREATE TABLE entries (id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL)"
chown -R www-data: data
ln -s "releases/$version" current.new
mv -T current.new current
systemctl restart blog
for _ in $(seq 50); do
  curl -fsS -o /dev/null http://127.0.0.1:8002/version && exit 0
  sleep 0.1
done
echo "the blog does not answer" >&2
exit 1
