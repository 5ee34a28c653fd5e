#!/bin/sh
# build.sh TAG: pages/ and style.css become public/, with a style sheet that may be cached for ever.
set -eu
mkdir -p public/assets
style=assets/style-$(sha256sum style.css | cut -c 1-12).css
cp style.css "public/$style"
for page in pages/*.html; do
  sed -e "s|@STYLE@|/$style|" -e "s|@VERSION@|$1|" "$page" >"public/${page##*/}"
done
echo "$1" >public/version.txt
