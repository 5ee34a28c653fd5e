#!/bin/sh
# prepare.sh APP BUILD: what package-lock.json names, from npm, once, into BUILD/postgresql-knex; v1 of the copy APP gets a link to it.
set -eu
app=$1 build=$2
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$build"
exec 9>"$build/postgresql-knex.lock"
flock 9
if ! cmp -s "$here/package-lock.json" "$build/postgresql-knex/package-lock.json"; then
  rm -rf "$build/postgresql-knex" "$build/postgresql-knex.new"
  mkdir "$build/postgresql-knex.new"
  cp "$here/package.json" "$here/package-lock.json" "$build/postgresql-knex.new"
  (cd "$build/postgresql-knex.new" && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error) 9>&-
  mv "$build/postgresql-knex.new" "$build/postgresql-knex"
fi
ln -s "$build/postgresql-knex/node_modules" "$app/v1/node_modules"
