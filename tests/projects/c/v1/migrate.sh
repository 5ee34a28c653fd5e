#!/bin/sh
# migrate.sh FILE: runs the migrations above the database's user_version, and counts it up.
set -eu
at=$(sqlite3 "$1" "PRAGMA user_version")
while [ -e "migrations/$((at + 1)).sql" ]; do
  at=$((at + 1))
  sqlite3 -bail "$1" "BEGIN; $(cat "migrations/$at.sql") PRAGMA user_version = $at; COMMIT"
done
