#!/bin/sh
# A real PM2 to test against: installed from npm once, into build/pm2, and kept. Prints the path of the pm2 command.
#   pm2.sh DIRECTORY-OF-THE-REPOSITORY
# Exit status 69, with the reason, when it cannot be had: a test that needs it fails then, it is never skipped silently.
set -eu
build=$1/build
mkdir -p "$build"
exec 9>"$build/pm2.lock"
flock 9
if [ ! -x "$build/pm2/node_modules/.bin/pm2" ]; then
  command -v npm >/dev/null || {
    echo "npm is missing: apt-get install -y --no-install-recommends npm (or Node.js from elsewhere)" >&2
    exit 69
  }
  rm -rf "$build/pm2.new"
  mkdir "$build/pm2.new"
  echo '{"private": true}' >"$build/pm2.new/package.json"
  if ! npm install --prefix "$build/pm2.new" --no-audit --no-fund --ignore-scripts --loglevel=error pm2@7 >"$build/pm2.log" 2>&1 9>&-; then
    tail -n 10 "$build/pm2.log" >&2
    echo "npm could not install pm2" >&2
    exit 69
  fi
  rm -rf "$build/pm2"
  mv "$build/pm2.new" "$build/pm2"
fi
echo "$build/pm2/node_modules/.bin/pm2"
