"""A compiled binary under a real systemd that listens for it, swapped while users are on it: none is refused, none is cut."""
import os
import shutil
import time
from pathlib import Path

from container import PATH, Container
from load import Load
from site_of import Ended, Site, expect, expect_words

ROOT = Path(__file__).resolve().parent.parent.parent
PORTS = iter(range(18540, 18599))  # each case its own: they run at the same time, in one network


class Host(Site):
    """base/srv is seen under the same path inside; backout runs in there, as root of that machine."""

    def __init__(self, base, backout, port=None):
        super().__init__(base, backout)
        self.srv, self.port = self.base / "srv", port or next(PORTS)
        for version in ("v1", "v2"):
            (self.srv / "releases" / version).mkdir(parents=True)
        cache = ROOT / "build" / "examples-go"
        cache.mkdir(exist_ok=True)
        self.environment |= {"GOCACHE": str(cache), "CGO_ENABLED": "0", "HOME": str(self.base)}
        for version in ("v1", "v2"):
            self.sh(f"go build -trimpath -ldflags '-s -w -X main.version={version}' -o {self.srv}/releases/{version}/notesd .",
                    ROOT / "examples" / "binary-ansible" / "v1")
        self.sh(f"ln -s releases/v1 {self.srv}/current")
        self.container = Container(self.base / "host", f"--bind={self.srv}", f"--bind-ro={os.path.dirname(self.backout)}:/opt/backout")

    def inside(self, *argv, program_path="", **environment):
        return Ended(*self.container.inside(*argv, path=program_path + PATH, BACKOUT_ACTOR="tester", BACKOUT_STATE=self.srv / "state",
                                            BACKOUT_TARGET=self.srv / "target", **environment))

    def run(self, *arguments, **more):
        return self.inside("/opt/backout/backout", "-f", self.srv / "backout.yaml", *arguments, **more)

    def prepare(self):
        """v1 runs, as it did before anybody heard of backout."""
        (self.srv / "notesd.service").write_text(
            f"[Unit]\nRequires=notesd.socket\n[Service]\nExecStart={self.srv}/current/notesd serve\nWorkingDirectory={self.srv}\n"
            "TimeoutStopSec=30s\n")
        (self.srv / "notesd.socket").write_text(f"[Socket]\nListenStream=127.0.0.1:{self.port}\n")
        (self.srv / "backout.yaml").write_text(f"""\
site: notes
base_url: http://127.0.0.1:{self.port}
code: {{layout: releases, path: {self.srv}, binary: notesd, ignore: [state, target]}}
services:
  - {{systemd: notesd.service, sockets: [notesd.socket], port: {self.port}, drain: 10s}}
checks:
  - {{get: /version, version: true}}
  - {{run: "test ! -e {self.srv}/wrong", name: nothing is wrong, attempts: 1}}
watch: {{first: 0s}}
""")
        (self.srv / "deploy.sh").write_text(f"#!/bin/sh\nln -sfn releases/$1 {self.srv}/next && mv -T {self.srv}/next {self.srv}/current"
                                            " && systemctl restart notesd.service\n")
        ended = self.inside("sh", "-euc", f"cp {self.srv}/notesd.* /etc/systemd/system/; systemctl daemon-reload;"
                            " systemctl start notesd.socket notesd.service")
        if ended.status:
            raise RuntimeError(ended.output)

    def begin(self):
        self.prepare()
        self.must("record", "v1")
        self.must("good", "v1")
        self.must("deploy", "--version", "v2", "--", "sh", str(self.srv / "deploy.sh"), "v2")
        return Load([("127.0.0.1", self.port)])

    def programs(self):
        """Of each living notesd, by the kernel."""
        script = f"for one in /proc/[0-9]*; do case $(readlink $one/exe) in {self.srv}/*) readlink $one/exe;; esac; done"
        return [Path(line).parent.name for line in self.inside("sh", "-c", script).output.split()]

    def down(self):
        self.container.down()


def on_a_host(judge):
    def case(base, backout):
        site = Host(base, backout)
        load = None
        try:
            load = site.begin()
            load.begin()
            time.sleep(0.5)
            faults = judge(site, load)
            met = load.end()
            return faults + expect(not met, f"users met {len(met)} faults, such as {met[:5]}; {load.said()}")
        finally:
            if load:
                load.end()
            site.down()
    return case


@on_a_host
def back(site, load):
    plan = site.run("plan")
    faults = expect_words(plan, "handover-notesd.service", "notesd.socket listens all the while")
    load.mark("the way back")
    ended = site.rollback()
    faults += expect(ended.status == 0, f"exit status {ended.status}\n{ended.output}")
    faults += expect("outage 0.0 s" in ended.output and "outage about 0.0 s" in ended.output and "outside" not in ended.output,
                     f"it tells of an outage that there was not:\n{ended.output}")
    faults += expect(site.programs() == ["v1"], f"{site.programs()} run")
    asked = dict(load.short)
    time.sleep(0.4)
    faults += expect(load.short.get("v1", 0) > asked.get("v1", 0) and load.short.get("v2") == asked.get("v2"),
                     f"v2 still answers: {load.said()}")
    load.end()
    faults += expect(load.finished("v2") >= 1, f"no long answer of v2 was under way and finished: {load.said()}")
    verified = site.run("verify")
    return faults + expect(verified.status == 0, f"verify: {verified.output}")


@on_a_host
def put_back(site, load):
    """A check fails behind the handover: v2 takes over again, in the same way."""
    (site.srv / "wrong").touch()
    ended = site.rollback()
    faults = expect(ended.status == 1, f"exit status {ended.status}\n{ended.output}")
    faults += expect(site.programs() == ["v2"], f"{site.programs()} run")
    (site.srv / "wrong").unlink()
    return faults + expect(load.short.get("v1", 0) > 0, f"v1 never answered: {load.said()}")


@on_a_host
def lies(site, load):
    """systemctl says that it restarted the unit, and did not."""
    lying = site.srv / "lies"
    lying.mkdir()
    (lying / "systemctl").write_text('#!/bin/sh\n[ "$1" != restart ] || exit 0\nexec /usr/bin/systemctl "$@"\n')
    (lying / "systemctl").chmod(0o755)
    ended = site.run("rollback", "--reason", "it is broken", "--yes", program_path=f"{lying}:")
    faults = expect(ended.status in (1, 5), f"exit status {ended.status}\n{ended.output}")
    faults += expect("verified" not in ended.output.lower() or "not verified" in ended.output.lower(), f"it says verified:\n{ended.output}")
    return faults + expect(site.programs() == ["v2"], f"{site.programs()} run")


def missing():
    if os.geteuid() != 0:
        return "root"
    if not Path("/usr/share/gocode/src/github.com/lib/pq").exists():
        return "golang-github-lib-pq-dev"
    return next((program for program in ("go", "systemd-nspawn") if not shutil.which(program)), "")


CASES = {f"handover-{case}": (run, missing) for case, run in (("back", back), ("put-back", put_back), ("lies", lies))}
