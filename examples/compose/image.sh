#!/bin/sh
# ./image.sh NAME DIRECTORY: an image of busybox and what lies in the directory; no registry, no network.
set -eu
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir "$root/bin" "$root/tmp"
cp -R "$2/." "$root/"
cp "$(command -v busybox)" "$root/bin/busybox"
for program in sh httpd wget cat echo sleep; do ln -s busybox "$root/bin/$program"; done
tar -C "$root" -c . | docker import -c 'CMD ["/bin/httpd", "-f", "-p", "8080", "-h", "/www"]' - "$1" >/dev/null
