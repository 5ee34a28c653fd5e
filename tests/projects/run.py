#!/usr/bin/python3
"""Ten small real projects, each on a machine of its own: init, deploy, a bad deploy, the way back; then with one lying tool.

    tests/projects/run.py --backout build/dev/backout [--show] [--stay] [PROJECT...]

A machine is a real systemd in a container with its own network (tests/support/systemd_host.sh); the course of a project runs in
there (course.py), with the paths and ports its team has. Nothing is left behind.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]
import npm  # noqa: E402
from cases import Cases, is_built  # noqa: E402

CONTAINER = HERE.parent / "support" / "systemd_host.sh"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# The order they are begun in: the long ones first. What a machine must have, by command.
PROJECTS = {
    "cron": ["cron", "faketime"],
    "django": ["supervisord", "gunicorn", "python:django"],
    "rails": ["puma", "bundle", "ruby:rails"],
    "node": ["node", "npm"],
    "flask": ["gunicorn", "python:flask", "python:pip"],
    "three-hosts": ["sshd"],
    "two-sites": ["nginx"],
    "go": ["go"],
    "c": ["gcc", "make"],
    "static": ["nginx"],
}
CASES = ("the way back", "a lying tool")  # one line each, printed by course.py
PATIENCE = 500


def there(need):
    kind, _, name = need.partition(":")
    if kind == "python" and name:
        return subprocess.run(["/usr/bin/python3", "-c", f"import {name}"], capture_output=True, check=False).returncode == 0
    if kind == "ruby" and name:
        return subprocess.run(["/usr/bin/ruby", "-e", f"require '{name}'"], capture_output=True, check=False).returncode == 0
    return shutil.which(need, path=PATH) is not None


def shared(directory):
    """A key that the machines of one project know."""
    directory.mkdir()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory / "key"], check=True)
    return [f"--bind-ro={directory}:/shared"]


class Machine:
    """A container: a root and a network of its own."""

    def __init__(self, directory, name, backout, binds=()):
        self.directory = directory
        source = [f"--bind-ro={ROOT}:/opt/backout", f"--bind-ro={os.path.dirname(backout)}:/opt/backout-bin"]
        up = subprocess.run([CONTAINER, "up", directory, "--private-network", *source, *binds], capture_output=True, text=True,
                            check=False)
        if up.returncode != 0:
            raise RuntimeError(f"no machine to test on: {up.stderr}")
        self.leader = up.stdout.strip()
        self.enter = ["nsenter", "-t", self.leader, "-a", "--", "env", "-i", f"PATH={PATH}", "HOME=/root", "LANG=C.UTF-8",
                      "TERM=dumb"]
        self.run("sh", "-c", f"hostname {name}; mount -t tmpfs -o mode=700 tmpfs /root")  # nobody has lived here yet

    def run(self, *argv):
        subprocess.run([*self.enter, *argv], check=True, capture_output=True, text=True)

    def connect(self, other, number):
        """A cable between the two: 10.9.NUMBER.1 here, 10.9.NUMBER.2 at the other's end."""
        self.run("ip", "link", "add", f"web{number}", "type", "veth", "peer", "name", "main")
        subprocess.run(["nsenter", "-t", self.leader, "-n", "ip", "link", "set", "main", "netns", other.leader], check=True)
        for machine, link, end in ((self, f"web{number}", 1), (other, "main", 2)):
            machine.run("ip", "address", "add", f"10.9.{number}.{end}/24", "dev", link)
            machine.run("ip", "link", "set", link, "up")

    def down(self):
        subprocess.run([CONTAINER, "down", self.directory], check=True)


class Matrix(Cases):
    def __init__(self, given):
        super().__init__()
        self.given, self.backout = given, os.path.abspath(given.backout)

    def project(self, name):
        needs = PROJECTS[name]
        if lacking := "root" if os.geteuid() != 0 else "systemd-nspawn" if not there("systemd-nspawn") else \
                next((need for need in needs if not there(need)), ""):
            for case in CASES:  # a machine of CI has what tests need, so that nothing is hidden by its absence
                self.ended(f"{name}: {case}", "FAILED" if os.environ.get("CI") else "skipped", [f"needs {lacking}"])
            return
        base = Path(tempfile.mkdtemp(prefix=f"backout-project-{name}-"))
        machines = []
        try:
            binds = npm.binds() if name == "node" else shared(base / "shared") if name == "three-hosts" else []
            machines.append(Machine(base / "main", name, self.backout, binds))
            if name == "three-hosts":
                for number in (1, 2, 3):
                    machines.append(Machine(base / f"web-{number}", f"web-{number}", self.backout, binds))
                    machines[0].connect(machines[-1], number)
                    machines[-1].run("sh", "/opt/backout/tests/projects/three-hosts/web/prepare.sh")
            self.course(name, machines[0])
        except Exception:
            self.ended(f"{name}: the machine", "FAILED", [traceback.format_exc()])
        finally:
            for machine in reversed(machines):
                machine.down()
            shutil.rmtree(base)

    def course(self, name, machine):
        """Runs it inside; each case is one line `passed CASE` or `FAILED CASE` of its output, followed by its words."""
        began = time.monotonic()
        log = tempfile.TemporaryFile()
        child = subprocess.Popen([*machine.enter, "/usr/bin/python3", "-B", "/opt/backout/tests/projects/course.py", name,
                                  *(["--init"] if self.given.init else [])],
                                 stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        try:
            child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        log.seek(0)
        said = log.read().decode(errors="replace")
        if self.given.init:
            print(f"--- {name}\n{said}", flush=True)
            return
        left = list(CASES)
        for block in said.split("\n=== ")[1:]:
            state, case, words = (*block.partition("\n")[0].split(" ", 1), block.partition("\n")[2])
            if case in left:
                left.remove(case)
                self.ended(f"{name}: {case}", state, [words] if state == "FAILED" or self.given.show else ())
        for case in left:
            self.ended(f"{name}: {case}", "FAILED", [f"not reached (exit status {child.returncode})\n{said}"])
        if self.given.show:
            print(f"--- {name}: {time.monotonic() - began:.1f} s", flush=True)
        if self.given.stay:
            print(f"{name} stays until Enter: {' '.join(machine.enter)} bash", flush=True)
            sys.stdin.readline()


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--backout", required=True)
    options.add_argument("--parallel", type=int, default=4)
    options.add_argument("--show", action="store_true", help="everything that is said")
    options.add_argument("--init", action="store_true", help="only what init makes of each")
    options.add_argument("--stay", action="store_true", help="leave the machine up until Enter, to look around")
    options.add_argument("project", nargs="*", choices=[[], *PROJECTS], metavar="PROJECT")
    given = options.parse_args()
    if not is_built(given.backout):
        return 2
    matrix = Matrix(given)
    began = time.monotonic()
    with ThreadPoolExecutor(max(1, given.parallel)) as pool:
        list(pool.map(matrix.project, [name for name in PROJECTS if not given.project or name in given.project]))
    print(f"{time.monotonic() - began:.0f} s")
    return matrix.closing()


if __name__ == "__main__":
    sys.exit(main())
