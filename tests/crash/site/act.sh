#!/bin/sh
# The fixture's own commands. Each says in the trace when it starts and when it ends, and takes a moment.
#   act.sh close|open|warm|cool|build      act.sh closed|warmed  (looks: exit 0 or 1)
set -eu
site=@SITE@
put() { printf '%s\n' "$2" >"$site/$1.new"; sync "$site/$1.new"; mv "$site/$1.new" "$site/$1"; sync "$site"; }
case $1 in
  closed) [ "$(cat "$site/door")" = closed ] || exit 1; exit 0 ;;
  warmed) [ "$(cat "$site/cache")" = v1 ] || exit 1; exit 0 ;;
esac
echo "start $1 $$" >>@TRACE@
[ ! -f "$site/at-$1" ] || sh "$site/at-$1"   # what a test wants to happen here
sleep "$(cat "$site/slow-$1" 2>/dev/null || echo 0.03)"
case $1 in
  close) put door closed ;;
  open) put door open ;;
  warm) put cache v1 ;;
  cool) put cache v2 ;;
  build) mkdir -p built; cp VERSION built/which; cp server.py built/half-of-it ;;
esac
echo "end $1 $$" >>@TRACE@
