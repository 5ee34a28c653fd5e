"""One site on three machines, reached by ssh from a fourth, where deploy.sh and backout run. v3 answers with an error.

The liar is ssh: who says web-3 gets web-2. Each command ends with 0, twice on the one machine and never on the other.
"""
import shlex
import subprocess

import machine
from machine import sh
from project import Project

HOSTS = ("web-1", "web-2", "web-3")


class Status(Project):
    NAME = "status"
    LIAR = "ssh"
    LIE = 'for word; do shift; [ "$word" != web-3 ] || { lied; word=web-2; }; set -- "$@" "$word"; done\nexec @REAL@ "$@"'
    NAMES = ("on web-2 | web-3",)

    def on(self, number, *argv):
        """Runs it on web-NUMBER, by an ssh that nobody can lie about: its own path, the machine's own address."""
        words = ["/usr/bin/ssh", "-q", f"root@10.9.{number}.2", shlex.join(argv)]
        return subprocess.run(words, check=False, capture_output=True, text=True).stdout

    def prepare(self):
        addresses = "".join(f"10.9.{number}.2 web-{number}\\n" for number in (1, 2, 3))
        sh(f"printf '{addresses}' >>/etc/hosts; mkdir -p -m 700 /root/.ssh; cp /shared/key /root/.ssh/id_ed25519;"
           " echo 'StrictHostKeyChecking accept-new' >/root/.ssh/config", quiet=True)

    def faults(self, version):
        found = []
        for number, host in enumerate(HOSTS, 1):
            link = self.on(number, "readlink", "/srv/status/current").strip()
            found += [] if link == f"releases/{version}" else [f"{host}: current leads to {link}"]
            pid = self.on(number, "/usr/bin/pgrep", "-f", "status.py").split()
            cwd = [self.on(number, "readlink", f"/proc/{one}/cwd").strip() for one in pid]
            found += [] if cwd == [f"/srv/status/releases/{version}"] else [f"{host}: processes run in {cwd}"]
            found += self.page(f"http://{host}:8000/version", text=version) + self.page(f"http://{host}:8000/", text=f'"{host}"')
        return found


PROJECT = Status
