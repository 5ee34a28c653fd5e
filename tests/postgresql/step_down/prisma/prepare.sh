#!/bin/sh
# prepare.sh BUILD: what package-lock.json names, from npm, once, into BUILD/postgresql-prisma.
set -eu
build=$1
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$build"
exec 9>"$build/postgresql-prisma.lock"
flock 9
cmp -s "$here/package-lock.json" "$build/postgresql-prisma/package-lock.json" && exit 0
rm -rf "$build/postgresql-prisma" "$build/postgresql-prisma.new"
mkdir "$build/postgresql-prisma.new"
cp "$here/package.json" "$here/package-lock.json" "$build/postgresql-prisma.new"
(cd "$build/postgresql-prisma.new" && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error) 9>&-
mv "$build/postgresql-prisma.new" "$build/postgresql-prisma"
