#!/bin/sh
# What is typed on one machine of the pair:  machine.sh HOST restart | switch VERSION | agent
# agent: configuration management, which runs every few minutes and puts back what it believes in.
set -eu
root=@ROOT@/$1
switch() {
  cd "$root"
  ln -s "releases/$1" current.new
  mv -T current.new current
  sync
}
restart() {
  pid=$(head -n 1 "$root/web.pid" 2>/dev/null || true)
  [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
  while [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null && ! grep -q ' Z ' "/proc/$pid/stat"; do sleep 0.01; done
  case $1 in web-1) PORT=@PORT@ ;; *) PORT=@PORT2@ ;; esac
  cd "$root/current"
  PORT=$PORT TRACE=@TRACE@ /usr/bin/setsid /usr/bin/python3 -ISB server.py </dev/null >>"$root/web.log" 2>&1 &
  echo $! >"$root/web.pid"
}
case $2 in
  switch) switch "$3" ;;
  restart) restart "$1" ;;
  agent) [ ! -f "$root/agent-wants" ] || switch "$(cat "$root/agent-wants")" ;;
esac
