#!/bin/sh
# promote.sh 50: the canary gets so many percent; with 100 it is the stable pool from now on.
set -eu
cd /srv/shop
if [ "$(cat run/stable)" = blue ]; then stable=blue canary=green; else stable=green canary=blue; fi
./weight.py $canary "$1" $stable $((100 - $1))
[ "$1" -lt 100 ] || echo $canary >run/stable
