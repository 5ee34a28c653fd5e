#!/bin/sh
# prepare.sh NUMBER: what was done once on each of the three machines. All of this project's machines share one loopback.
set -eu
address=127.0.0.1$1
here=$(dirname "$0")
mkdir -p -m 700 /root/.ssh
cp /shared/key.pub /root/.ssh/authorized_keys
mkdir -p /run/sshd /srv/status
ssh-keygen -A >/dev/null
echo "ListenAddress $address" >/etc/ssh/sshd_config.d/here.conf
sed -e "s/@ADDRESS@/$address/" "$here/status.service" >/etc/systemd/system/status.service
systemctl daemon-reload
systemctl enable -q status
systemctl start ssh
