#!/bin/sh
# deploy.sh TAG: builds the binary of a release in a directory of its own, switches, restarts.
set -eu
version=$1
cd /srv/links
mkdir -p releases data
chown www-data: data
if [ ! -x "releases/$version/links" ]; then
  rm -rf "releases/$version.new" # what an earlier try left
  git clone -q --branch "$version" /srv/git/links.git "releases/$version.new"
  (cd "releases/$version.new" && go build -ldflags "-X main.version=$version" -o links .)
  mv "releases/$version.new" "releases/$version"
fi
ln -s "releases/$version" current.new
mv -T current.new current
systemctl restart links
for _ in $(seq 50); do
  curl -fsS -o /dev/null http://127.0.0.1:8080/version && exit 0
  sleep 0.1
done
echo "links does not answer" >&2
exit 1
