"""A site that Coolify deploys, before the stand-in of tests/coolify: faults end wholly old, wholly new, or say what to look at; a
closed door is no fault; and resolving it never brings the bad release back."""
import http.server
import json
import os
import shutil
import subprocess
import threading
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from site_of import Site, expect, expect_words

STAND_IN = Path(__file__).resolve().parent.parent / "coolify" / "coolify.py"


class Front(http.server.BaseHTTPRequestHandler):
    """What users reach: the application, or the maintenance page while the door is closed."""
    door, application = None, 0

    def log_message(self, *_):
        pass

    def do_GET(self):
        status, body = 503, b"Back soon"
        if not self.door.exists():
            with urllib.request.urlopen(f"http://127.0.0.1:{self.application}{self.path}", timeout=10) as answer:
                status, body = 200, answer.read()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Coolify:
    """The site, its repository and the stand-in, which runs v2 after v1."""

    def __init__(self, base, backout):
        self.site = Site(base, backout)
        self.base = self.site.base
        self.site.environment["COOLIFY_TOKEN"] = "all"
        self.site.sh("git init -q -b main work; git init -q --bare origin.git")
        for version in "12":
            (self.base / "work" / "VERSION").write_text(f"v{version}\n")
            self.site.sh(f"git add -A; git commit -q -m v{version}; git tag v{version}", self.base / "work")
        self.site.sh("git push -q --tags ../origin.git main", self.base / "work")
        self.site.sh("git clone -q origin.git clone")
        self.commits = {f"v{n}": self.site.sh(f"git -C work rev-parse v{n}") for n in "12"}
        reset = {"branches": {"main": self.commits["v2"]}, "history": list(self.commits.values()), "build": 0.3}
        self.process = subprocess.Popen(["/usr/bin/python3", STAND_IN, "--reset", json.dumps(reset)], stdout=subprocess.PIPE, text=True)
        self.port, self.application = (int(word) for word in self.process.stdout.readline().split())

    def begin(self, serves="", more=""):
        self.site.configure(
            f"code: {{layout: coolify, path: clone, coolify: {{url: 'http://127.0.0.1:{self.port}', application: vgsco4o, "
            f"token: $COOLIFY_TOKEN, serves: '{serves or f'http://127.0.0.1:{self.application}/version'}', within: 6s}}}}",
            f"  - {{run: 'test -n \"$(curl -fsS http://127.0.0.1:{self.application}/)\"', name: answers, attempts: 1}}", more)
        for arguments in (("record", "v1"), ("good", "v1"), ("record", "v2")):
            self.site.must(*arguments)

    def control(self, **wanted):
        data = json.dumps(wanted).encode() if wanted else None
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/_control", data=data)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def when_it_deploys(self, what):
        """`what` happens once the rollback's deployment has begun."""
        def wait():
            try:
                while len(self.control()["deployments"]) < 3:
                    time.sleep(0.02)
                what()
            except OSError:
                pass  # the case is over
        threading.Thread(target=wait, daemon=True).start()

    def faults_of(self, version):
        """Wholly old: as it was found. Wholly new: v1 serves, and nothing brings v2 back."""
        while any(each["status"] in ("queued", "in_progress") for each in self.control()["deployments"]):
            time.sleep(0.05)
        now, old = self.control(), version == "v2"
        sha = now["application"]["git_commit_sha"]
        return (expect(now["running"] == self.commits[version], f"{now['running']} runs, not {version}")
                + expect(now["settings"]["is_auto_deploy_enabled"] == old, f"auto-deploy is {'off' if old else 'on'}")
                + expect(sha == ("HEAD" if old else self.commits["v1"]), f"it is set to {sha}"))

    def judged(self, ended):
        """A run that has ended: 0 is wholly new, 1 wholly old, and nothing else is an end."""
        faults = expect(ended.status in (0, 1), f"exit status {ended.status}\n{ended.output}")
        return faults + ([f"{fault}\n{ended.output}" for fault in self.faults_of("v2" if ended.status else "v1")] if not faults else [])


@contextmanager
def coolify(base, backout):
    one = Coolify(base, backout)
    try:
        yield one
    finally:
        one.process.terminate()
        one.process.wait()


def refuses_to_write(base, backout):
    """Coolify answers 500 whenever something is to be changed: nothing was."""
    with coolify(base, backout) as one:
        one.begin()
        one.control(faults={"status": 500, "writes_only": True})
        ended = one.site.rollback()
        return expect(ended.status == 1, f"exit status {ended.status}\n{ended.output}") + one.faults_of("v2") + \
            expect_words(ended, "Coolify answered 500")


def never_finishes(base, backout):
    """The deployment does not end: it is cancelled, and everything is as it was."""
    with coolify(base, backout) as one:
        one.begin()
        one.control(faults={"hang": True})
        ended = one.site.rollback()
        return expect(ended.status == 1, f"exit status {ended.status}\n{ended.output}") + one.faults_of("v2") + \
            expect_words(ended, "did not end within")


def goes_away(base, backout):
    """Coolify answers 500 from the middle of the deployment on: what is there nobody can say, and that is said. Once it answers again
    the run comes to an end that is one."""
    with coolify(base, backout) as one:
        one.begin()
        one.when_it_deploys(lambda: one.control(faults={"status": 500}))
        ended = one.site.rollback()
        faults = expect(ended.status in (4, 5), f"exit status {ended.status} though nothing can be seen\n{ended.output}")
        faults += expect_words(ended, "Coolify answered 500", "backout ")
        one.control(faults={"status": 0})
        for _ in range(2):
            if ended.status in (0, 1):
                break
            ended = one.site.run("resume")
        if ended.status == 5:  # an abort that could not put back: a rollback takes over
            ended = one.site.rollback()
        return faults + one.judged(ended)


def disk_full(base, backout):
    """The journal's disk is full, from the start or while Coolify deploys: what is reserved carries the run to an end that is one."""
    faults = []
    for when in ("at once", "when it deploys"):
        with coolify(base / when.replace(" ", "-"), backout) as one:
            state = one.base / "state"
            state.mkdir()
            one.site.sh(f"mount -t tmpfs -o size=12m tmpfs {state}")
            try:
                one.begin()

                def fill(state=state):
                    subprocess.run(["sh", "-c", f"cat /dev/zero >{state}/ballast"], stderr=subprocess.DEVNULL, check=False)
                if when == "at once":
                    fill()
                else:
                    one.when_it_deploys(fill)
                ended = one.site.rollback()
                faults += expect((state / "ballast").exists(), "the disk was never filled")
                (state / "ballast").unlink(missing_ok=True)
                if ended.status not in (0, 1):
                    faults += expect_words(ended, "backout ")
                    ended = one.site.run("resume")
                if ended.status == 5:
                    ended = one.site.run("retry")
                faults += one.judged(ended)
            finally:
                one.site.sh(f"umount {state}")
    return faults


def behind_a_closed_door(base, backout):
    """What users are shown while the door is closed is not held against the release behind it, and is asked again afterwards."""
    with coolify(base, backout) as one:
        door = one.base / "closed"
        handler = type("OneFront", (Front,), {"door": door, "application": one.application})
        front = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=front.serve_forever, daemon=True).start()
        try:
            one.begin(f"http://127.0.0.1:{front.server_port}/version",
                      f"door: {{command: {{close: ': >{door}', open: 'rm -f {door}', probe: 'test -e {door}'}}}}")
            ended = one.site.rollback()
            faults = one.judged(ended) + expect(ended.status == 0, f"exit status {ended.status}\n{ended.output}")
            log = one.site.run("log").output
            return faults + expect("asked when the door is open" in log, f"it was not closed:\n{log}") + \
                expect(not door.exists(), "the door is closed")
        finally:
            front.shutdown()
            front.server_close()


def resolved(base, backout):
    """While main is the bad release auto-deploy stays off, and is watched; with the fix on main it goes on."""
    with coolify(base, backout) as one:
        one.begin()
        faults = one.judged(one.site.rollback())
        because = ("--cause", "it leaks", "--missed", "x", "--prevent", "x")
        ended = one.site.run("resolve", "v2", *because)
        faults += expect(ended.status == 5, f"exit status {ended.status}\n{ended.output}") + \
            expect_words(ended, f"main still points at {one.commits['v2'][:12]}") + one.faults_of("v1")
        one.control(set={"is_auto_deploy_enabled": True})
        ended = one.site.run("verify")
        faults += expect(ended.status == 1, f"nobody sees that it was turned on\n{ended.output}") + expect_words(ended, "auto-deploy of shop is on")
        one.control(set={"is_auto_deploy_enabled": False})
        one.site.sh("git commit -q --allow-empty -m fixed; git push -q ../origin.git main", one.base / "work")
        ended = one.site.run("resolve", "v2", *because)
        now = one.control()
        return faults + expect(ended.status == 0, f"exit status {ended.status}\n{ended.output}") + \
            expect(now["settings"]["is_auto_deploy_enabled"], "auto-deploy does not go on") + \
            expect(now["running"] == one.commits["v1"], "resolving has changed what runs")


def needs():
    lacking = [name for name in ("git", "curl") if not shutil.which(name)]
    return " ".join(lacking) or ("" if os.geteuid() == 0 else "root")


CASES = {f"coolify-{case.__name__.replace('_', '-')}": (case, needs)
         for case in (refuses_to_write, never_finishes, goes_away, disk_full, behind_a_closed_door, resolved)}
