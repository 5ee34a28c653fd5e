"""Two machines behind a real sshd; and who lies on one of them."""
import os
import shutil
import subprocess

from liar import Liar, scenarios
from slot import free_port
from sshd import Sshd
from web import Web

HOSTS = ("web-1", "web-2")


class Pair(Web):
    OWN = ("machine.sh",)

    def __init__(self, base, backout, ssh, runtime):
        """`runtime`: where ssh puts the sockets of its shared connections."""
        super().__init__(base, backout)
        self.environment["XDG_RUNTIME_DIR"] = str(runtime)
        self.ports = dict(zip(HOSTS, (self.port, free_port())))
        self.words["PORT2"] = self.ports["web-2"]
        self.environment["BACKOUT_SSH"] = ssh.command
        self.keep = set(ssh.pids)

    def template(self, name):
        return super().template({"verified.yaml": "pair.yaml", "believed.yaml": "pair_believed.yaml"}.get(name, name))

    def prepare(self):
        self.build()
        for host in HOSTS:
            shutil.copytree(self.site / "releases", self.root / host / "releases")
            self.on(host, "switch", "v1")
        self.must("record", "v1")
        self.must("good", "v1")
        self.start_service()
        both = "; ".join(f"sh {self.site}/machine.sh {host} switch v2; sh {self.site}/machine.sh {host} restart" for host in HOSTS)
        self.must(*scenarios.DEPLOY, "sh", "-ec", both)
        self.snapshot("broken")

    def on(self, host, *words):
        subprocess.run(["sh", self.site / "machine.sh", host, *words], check=True, env=self.environment)

    def start_service(self):
        for host in HOSTS:
            self.on(host, "restart")
        for port in self.ports.values():
            self.wait_until_it_serves(port=port)

    def faults(self, version):
        found = [f"{host}: current is {link}" for host in HOSTS if (link := (self.root / host / "current").readlink().name) != version]
        found += [f"{host} says {said}" for host in HOSTS if (said := self.answer("/version", self.ports[host])[1]) != version]
        servers = sorted(self.servers().values())
        return found + ([] if servers == [version] * 2 else [f"servers run from {servers}"])


def one_of_two_hosts_did_not_switch(pair):
    """The command there ends with 0 and has moved nothing."""
    (pair.base / "mv-lies").write_text(f"{pair.root}/web-2/current\n")
    return lambda: ["'switch-code' on web-2", "the command said it worked, but", "v2"]


def one_of_two_hosts_is_put_back_by_its_agent(pair):
    """It did switch, and was verified."""
    (pair.root / "web-2" / "agent-wants").write_text("v2")
    return lambda: ["on web-2", f"{pair.root}/web-2/current leads to {pair.root}/web-2/releases/v2, not to v1"]


LIARS = {
    "one-of-two-hosts-did-not-switch": Liar(one_of_two_hosts_did_not_switch),
    "one-of-two-hosts-is-put-back-by-its-agent": Liar(one_of_two_hosts_is_put_back_by_its_agent),
}


def site(base, backout):
    path = f"{base / 'bin'}:{os.environ['PATH']}"
    ssh = Sshd(base.parent / "ssh", base, free_port(), HOSTS, [f"PATH={path}"])
    runtime = base.parent / "r"
    runtime.mkdir(mode=0o700)
    pair = Pair(base, backout, ssh, runtime)

    def down():
        pair.end_everything()
        ssh.stop()

    return pair, down


def missing():
    return "" if os.path.exists("/usr/sbin/sshd") else "sshd (openssh-server)"
