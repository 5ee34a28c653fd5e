#!/bin/sh
# deploy.sh TAG: moves this checkout to the tag; gems, migrations, and the server again.
set -eu
cd /srv/orders
git fetch -q --tags origin
git checkout -q "$1"
echo "$1" >REVISION
bundle install --local --quiet
systemctl stop orders || true # the first time there is none
set -a
. /etc/orders.env
bundle exec bin/rails db:migrate
chown -R www-data: /srv/orders-data
systemctl start orders
for _ in $(seq 150); do
  curl -fsS -o /dev/null http://127.0.0.1:3000/version && exit 0
  sleep 0.1
done
echo "orders does not answer" >&2
exit 1
