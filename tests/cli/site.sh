# A small real site for the cases, to be sourced: `. "$CLI/site.sh"`. Two releases in directories, an SQLite database, a door that is
# a file, and checks that look at what runs. No service, so no port and no waiting.

# make_site [EXTRA YAML] : the site in ./site, with v1 deployed and known-good; backout.yaml beside it.
make_site() {
  mkdir -p site/releases/v1 site/releases/v2
  echo v1 >site/releases/v1/VERSION
  echo v2 >site/releases/v2/VERSION
  ln -s releases/v1 site/current
  echo open >site/door
  sqlite3 site/data.db "PRAGMA journal_mode=WAL; CREATE TABLE orders(id INTEGER PRIMARY KEY, item TEXT NOT NULL, note TEXT);
    INSERT INTO orders(item, note) VALUES ('bread', 'sliced'), ('milk', NULL);" >/dev/null
  cat >backout.yaml <<YAML
site: bakery
state: state
jobs: 1
hosts: {local: {root: $PWD/target}}
code: {layout: releases, path: site}
database: {sqlite: {file: site/data.db}}
door:
  command: {close: "echo closed >site/door", open: "echo open >site/door", probe: "grep -q closed site/door"}
checks:
  - {run: "test \$(cat VERSION) = {{version}}", name: version, attempts: 1}
watch: {first: 0s}
${1:-}
YAML
  quietly backout record v1
  quietly backout good v1
}

# deploy_v2 : v2 arrives, and its migration drops a column; then a customer orders.
deploy_v2() {
  quietly backout deploy --version v2 -- sh -c 'ln -sfn releases/v2 site/current && sqlite3 site/data.db "ALTER TABLE orders DROP COLUMN note"'
  sqlite3 site/data.db "INSERT INTO orders(item) VALUES ('cake')"
}

# quietly COMMAND... : says something only when it fails.
quietly() {
  "$@" >quiet.log 2>&1 || {
    echo "exit status $? of $*"
    cat quiet.log
  }
}

# state_of_site : what is there, looked at from outside.
state_of_site() {
  echo "code $(readlink site/current), door $(cat site/door)"
  sqlite3 site/data.db "SELECT * FROM orders ORDER BY id"
}

# shows COMMAND... : the command, its words, its exit status.
shows() {
  echo "\$ $*"
  "$@" 2>&1
  echo "-> $?"
}
