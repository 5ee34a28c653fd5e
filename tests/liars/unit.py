"""One machine with a real systemd (in a container), where the service is a unit and backout runs; and who lies there."""
import os
import shutil
import subprocess

from liar import HERE, Liar
from web import Web

CONTAINER = HERE.parent / "support" / "systemd_host.sh"
DROP_IN = "/etc/systemd/system/web.service.d"
# What a runbook asks.
IS_ACTIVE = """
  - {run: systemctl is-active web.service, name: is-active, attempts: 30, every: 100ms}
"""


class Container:
    """Shares the machine's network, and `base` under the same path."""

    def __init__(self, directory, base, backout):
        self.directory = directory
        up = subprocess.run([CONTAINER, "up", directory, f"--bind={base}", f"--bind-ro={os.path.dirname(os.path.abspath(backout))}"],
                            capture_output=True, text=True, check=False)
        if up.returncode != 0:
            raise RuntimeError(f"no systemd to test against: {up.stderr}")
        self.enter = ["nsenter", "-t", up.stdout.strip(), "-a", "--"]

    def run(self, *argv, **more):
        return subprocess.run([*self.enter, *argv], check=True, capture_output=True, text=True, **more)

    def down(self):
        subprocess.run([CONTAINER, "down", self.directory], check=True)


class Unit(Web):
    SERVICE = "{systemd: web.service, startup: 3s, drain: 2s, port: @PORT@}"
    STOP, START = "systemctl stop web.service", "systemctl start web.service"

    def __init__(self, base, backout, container):
        super().__init__(base, backout)
        self.container = container
        self.command = [*container.enter, self.backout, "-C", str(self.site)]

    def template(self, name):
        return super().template("deploy_unit.sh" if name == "deploy.sh" else name)

    def build(self):
        super().build()
        self.container.run("sh", "-c", "cat >/etc/systemd/system/web.service", input=self.fill("web.service"))

    def deploy_by_hand(self, version):
        self.container.run("sh", str(self.site / "deploy.sh"), version, env=self.environment)

    def start_service(self):
        self.container.run("sh", "-c", f"rm -rf {DROP_IN}; systemctl daemon-reload; systemctl reset-failed; systemctl start web.service")
        self.wait_until_it_serves()

    def end_everything(self):
        self.container.run("sh", "-c", "systemctl kill -s KILL web.service 2>/dev/null; systemctl stop web.service 2>/dev/null; true")
        super().end_everything()

    def drop_in(self, lines):
        """What a deploy of v2 left behind beside the unit's own file, which no rollback of code takes away."""
        self.container.run("sh", "-c", f"mkdir -p {DROP_IN}; cat >{DROP_IN}/release.conf; systemctl daemon-reload",
                           input=f"[Service]\n{lines}\n")


def active_from_the_wrong_release(unit):
    unit.drop_in(f"WorkingDirectory={unit.site}/releases/v2")
    return lambda: ["web.service", "runs from v2, expected v1", "(systemctl says active, running)"]


def active_while_the_wrong_version_answers(unit):
    """What is started is a copy of v2 that lies outside of the releases: nothing but the answer gives it away."""
    shutil.copytree(unit.site / "releases" / "v2", unit.site / "copy")
    unit.drop_in(f"WorkingDirectory={unit.site}/copy")
    return lambda: ["/version", "expected version v1, got v2"]


LIARS = {
    "systemd-says-active-from-the-wrong-release": Liar(active_from_the_wrong_release, believed_checks=IS_ACTIVE),
    "systemd-says-active-while-the-wrong-version-answers": Liar(active_while_the_wrong_version_answers, believed_checks=IS_ACTIVE),
}


def site(base, backout):
    base.mkdir()
    container = Container(base.parent / "systemd", base, backout)
    return Unit(base, backout, container), container.down


def missing():
    if os.geteuid() != 0:
        return "root"
    return "" if shutil.which("systemd-nspawn") else "systemd-nspawn (systemd-container)"
