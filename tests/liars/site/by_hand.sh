#!/bin/sh
# What a runbook says to type:  by_hand.sh stop | switch VERSION | start
set -eu
site=@SITE@
pid=$(head -n 1 "$site/web.pid" 2>/dev/null || true)
alive() { [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null && ! grep -q ' Z ' "/proc/$pid/stat"; }
case $1 in
  stop)
    ! alive || kill "$pid"
    while alive; do sleep 0.01; done
    rm -f "$site/web.pid"
    ;;
  switch)
    cd "$site"
    ln -s "releases/$2" current.new
    mv -T current.new current
    ;;
  start)
    ! alive || exit 0 # it is running already
    cd "$site/current"
    # A server that finds its port taken waits for it and tries again, as many do.
    PORT=@PORT@ DB=$site/data.db TRACE=@TRACE@ /usr/bin/setsid \
      sh -c "until sh $site/start.sh; do sleep 0.1; done" </dev/null >>"$site/web.log" 2>&1 &
    echo $! >"$site/web.pid"
    ;;
esac
