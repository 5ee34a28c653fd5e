#!/bin/sh
# deploy.sh TAG: brings a release of the job; the next minute runs it.
set -eu
version=$1
cd /srv/rates
mkdir -p "releases/$version" data
git --git-dir /srv/git/rates.git archive "$version" | tar -x -C "releases/$version"
[ -e data/rates.sqlite3 ] ||
  sqlite3 data/rates.sqlite3 "CREATE TABLE rates (id INTEGER PRIMARY KEY AUTOINCREMENT, token TEXT, at TEXT DEFAULT CURRENT_TIMESTAMP, euro REAL, pound REAL)"
chown -R www-data: data
ln -s "releases/$version" current.new
mv -T current.new current
