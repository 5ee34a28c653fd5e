#!/bin/sh
# deploy.sh TAG: builds the pages beside those that are served, and switches.
set -eu
version=$1
cd /srv/brochure
mkdir -p "releases/$version"
git --git-dir /srv/git/brochure.git archive "$version" | tar -x -C "releases/$version"
(cd "releases/$version" && ./build.sh "$version")
ln -s "releases/$version" current.new
mv -T current.new current
