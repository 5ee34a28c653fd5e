#!/usr/bin/python3
"""The crash matrix over the stacks of examples/: backout killed where a clean rollback passes, then resumed, or aborted.

    stacks.py --backout build/dev/backout [--spread N] [--parallel P] [--only POINT] [--keep] [STACK...]

What a stack runs on (an nginx, a HAProxy, a Docker daemon, the stand-ins of an API server and of Coolify) is begun once, by the
example's own course. A case brings v2 out as the team does, puts backout's state and target directories back to how they were
then, and kills the rollback. What serves is asked of the stack itself, never of backout. The points of a stack are counted in a
clean run: every append and every external command. --spread N takes N of them at even distances; without it each stack has its own
number, by what a case of it costs. Every third point is aborted instead of resumed.
"""
import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "examples"), str(HERE.parent / "support")]
import blue_green_nginx  # noqa: E402
import canary_haproxy  # noqa: E402
import compose  # noqa: E402
import coolify_compose  # noqa: E402
import kubernetes  # noqa: E402
import oracle  # noqa: E402
from cases import Cases, is_built  # noqa: E402
from place import Place, Wrong, expect, lacking  # noqa: E402

MOMENTS = {"append": ("before", "after"), "command": ("before", "during", "after")}
ROLLBACK = ("rollback", "--yes", "--reason", "matrix")


class Nginx:
    """Pools behind an nginx: the include file, and who answers in front."""
    example, needs, spread = "blue-green-nginx", blue_green_nginx.NEEDS, 30

    def __init__(self, place):
        self.place = place
        blue_green_nginx.begin(place)
        place.sh("./deploy.sh v1", quiet=True)

    def bring(self, version):
        self.place.sh(f"./deploy.sh {version}", quiet=True)
        self.place.wait(f"{version} serves", lambda: self.serves() == {version})

    def serves(self):
        """Who answers in front: each of ten requests."""
        return {self.place.get(blue_green_nginx.URL.format(blue_green_nginx.FRONT, "/version"))[1].strip() for _ in range(10)}

    def faults(self, version):
        port = {"v1": blue_green_nginx.BLUE, "v2": blue_green_nginx.GREEN}[version]
        text = (self.place.site / "pool.conf").read_text()
        return [] if f":{port};" in text and text.count("server ") == 1 else [f"pool.conf is {text!r}"]


class Haproxy:
    """Pools behind a HAProxy: their weights and states by its own word."""
    example, needs, spread = "canary-haproxy", canary_haproxy.NEEDS, 15

    def __init__(self, place):
        self.place = place
        canary_haproxy.begin(place)
        place.sh("./canary.sh v1", quiet=True)
        place.wait("v1 serves", lambda: self.serves() == {"v1"})

    def bring(self, version):
        self.place.sh(f"./canary.sh {version} && ./weight.py blue 0 green 100", quiet=True)
        self.place.wait(f"{version} serves", lambda: self.serves() == {version})

    def serves(self):
        front = f"http://127.0.0.1:{canary_haproxy.FRONT}/version"
        return {self.place.get(front)[1].strip() for _ in range(10)}

    def faults(self, version):
        weights = canary_haproxy.weights(self.place)
        on, off = ("blue", "green") if version == "v1" else ("green", "blue")
        return [] if weights[on][0] > 0 and weights[on][1] == 0 and weights[off][0] == 0 else [f"the weights are {weights}"]


class Kubernetes:
    """A Deployment and a StatefulSet with their ConfigMap and Secret, by a real kubectl before a stand-in of the API server."""
    example, needs, spread = "kubernetes", kubernetes.NEEDS, 9

    def __init__(self, place):
        self.place, self.cluster = place, kubernetes.Cluster(place)
        place.copy({"/srv/shop": place.site, "18210": kubernetes.PORT, "wait: 1m": "wait: 10s"})
        place.sh("./deploy.sh v1", quiet=True)

    def bring(self, version):
        self.place.sh(f"./deploy.sh {version} goodbye", quiet=True)

    def serves(self):
        return {image.rsplit(":", 1)[1] for image in self.cluster.images()}

    def faults(self, version):
        key = json.loads(self.place.sh("kubectl -n shop get secret web-keys -o json", quiet=True))["data"]
        return [] if self.keys_of.setdefault(version, key) == key else [f"the Secret is not that of {version}"]

    @property
    def keys_of(self):
        return self.__dict__.setdefault("_keys", {})


class Compose:
    """Two services of a Compose project, by a real docker-compose and a real daemon."""
    example, needs, spread = "compose", compose.NEEDS, 6

    def __init__(self, place):
        self.place, self.docker = place, compose.Docker(place)
        place.copy({"/srv/shop": place.site, "18100": compose.PORT})
        place.sh("./image.sh counter:1 v1 && ./deploy.sh v1", quiet=True)
        self.images = {"v1": self.docker.ask("image", "inspect", "-f", "{{.Id}}", "shop:v1")}

    def bring(self, version):
        self.place.sh(f"./deploy.sh {version}", quiet=True)
        self.images[version] = self.docker.ask("image", "inspect", "-f", "{{.Id}}", f"shop:{version}")

    def serves(self):
        runs = self.docker.runs("web") | self.docker.runs("worker")
        return {next((version for version, image in self.images.items() if image == one), str(one)) for one in runs}

    def faults(self, version):
        text = (self.place.site / ".env").read_text()
        return [] if text == f"TAG={version}\n" else [f".env is {text!r}"]


class Coolify:
    """The stand-in of Coolify with its application, the branch in a real git, a cron job and the search index."""
    example, needs, spread = "coolify-compose", coolify_compose.NEEDS, 12

    def __init__(self, place):
        self.place = place
        self.site, self.git, self.coolify = coolify_compose.begin(place)
        self.cron = (self.site / "news.cron").read_text()

    def bring(self, version):
        """As it was before anything was rolled back: the cron job, auto-deploy, the application's setting, then a push."""
        (self.site / "news.cron").write_text(self.cron)
        self.place.sh(f"{self.git} update-ref refs/heads/main {self.coolify.commits['v1']} && git -C clone fetch -q", quiet=True)
        self.coolify.control(set={"is_auto_deploy_enabled": True, "git_commit_sha": "HEAD"})
        self.place.sh(["git", "-C", "clone", "push", "-q", "-f", "origin", f"{version}^{{commit}}:main"], quiet=True)
        self.place.wait(f"{version} serves", lambda: self.coolify.serves(version))
        self.place.wait("Coolify is idle", lambda: self.coolify.control()["deployments"][-1]["status"] == "finished")

    def serves(self):
        return {version for version in ("v1", "v2") if self.coolify.serves(version)}

    def faults(self, version):
        tree = self.place.sh(f"{self.git} rev-parse 'main^{{tree}}' '{version}^{{tree}}'", quiet=True).split()
        found = [] if tree[0] == tree[1] else [f"main has not the code of {version}"]
        if version == "v2" and not self.coolify.auto_deploy():
            found.append("auto-deploy is off")
        if version == "v2" and (self.site / "news.cron").read_text() != self.cron:
            found.append("the cron job is not as it was")
        if version == "v1" and self.coolify.auto_deploy():
            found.append("auto-deploy is on")
        return found


STACKS = {"nginx": Nginx, "haproxy": Haproxy, "kubernetes": Kubernetes, "compose": Compose, "coolify": Coolify}


class Ended:
    def __init__(self, status, output):
        self.status, self.output = status, output


class Matrix:
    """One stack and its cases; oracle.py asks `run` and `events` of it."""

    def __init__(self, name, given):
        self.name, self.given = name, given
        self.place = Place(STACKS[name].example, os.path.abspath(given.backout))
        self.stack = None

    # --- acting -------------------------------------------------------------------------------------------------------

    def run(self, *arguments, **more):
        done = subprocess.run([self.place.backout_program, *arguments], cwd=self.place.site, env={**self.place.environment, **more},
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", timeout=300, check=False)
        return Ended(done.returncode, done.stdout)

    def must(self, *arguments, **more):
        ended = self.run(*arguments, **more)
        expect(ended.status == 0, f"backout {' '.join(arguments)}: exit status {ended.status}\n{ended.output}")
        return ended.output

    def events(self):
        lines = [json.loads(line) for line in self.must("journal", "export").splitlines() if line.startswith("{")]
        return [{**line["header"], "body": line["body"]} for line in lines if "header" in line]

    def directories(self):
        return [self.place.directory / "state", self.place.directory / "target"]

    def begin(self):
        self.stack = STACKS[self.name](self.place)
        self.must("record", "v1")
        self.must("good", "v1")
        self.stack.bring("v2")
        self.must("record", "v2")
        self.looks_like("v2")
        for path in self.directories():
            path.mkdir(exist_ok=True)
            subprocess.run(["cp", "-a", path, f"{path}.before"], check=True)

    def put_back(self):
        if self.stack.serves() != {"v2"} or self.stack.faults("v2"):
            self.stack.bring("v2")
        for path in self.directories():
            shutil.rmtree(path, ignore_errors=True)
            subprocess.run(["cp", "-a", f"{path}.before", path], check=True)
        self.looks_like("v2")

    # --- looking ------------------------------------------------------------------------------------------------------

    def looks_like(self, version):
        expect(not (faults := self.faults(version)), "; ".join(faults))

    def faults(self, version):
        """What serves may take a moment: a server that is told to go on does."""
        deadline = time.monotonic() + 5
        while (serving := self.stack.serves()) != {version} and time.monotonic() < deadline:
            time.sleep(0.1)
        found = [] if serving == {version} else [f"{serving} serves, not {version}"]
        return [*found, *self.stack.faults(version)]

    # --- cases --------------------------------------------------------------------------------------------------------

    def points(self):
        earlier = len(self.events())
        passed = self.place.directory / "passed"
        passed.write_text("")
        self.must(*ROLLBACK, BACKOUT_POINTS=str(passed))
        self.looks_like("v1")
        commands = sum(event["type"] == "attempt_intended" for event in self.events()[earlier:])
        appends = sum(line.startswith("append:") and line.endswith(":before") for line in passed.read_text().splitlines())
        expect(commands and appends, f"a clean run passes {commands} commands and {appends} appends: nothing to kill")
        return [f"{kind}:{number}:{moment}" for kind, count in (("append", appends), ("command", commands))
                for number in range(1, count + 1) for moment in MOMENTS[kind]]

    def case(self, point, way):
        """The faults at the end of it; empty is the promise."""
        self.put_back()
        ended = self.run(*ROLLBACK, BACKOUT_KILL=point)
        if ended.status != -signal.SIGKILL:
            return [f"the point of a clean run was not reached: exit status {ended.status}\n{ended.output}"]
        state = oracle.run_state(self.events())
        version, expected, said = "v1", (0,), ""
        if state is None or state[0] != "rollback":  # it had not begun
            if faults := self.faults("v2"):
                return [f"no run in the journal, yet {fault}" for fault in faults]
            ended = self.run(*ROLLBACK)
        elif state[1] not in ("running", "stopped"):
            ended = None
        elif way == "abort":
            ended = self.run("abort")
            if ended.status == 3:  # the commit point is behind it
                said, ended = ended.output, self.run("resume")
            else:
                version, expected = "v2", (5,) if "what has no undo: 'rebuild-search'" in ended.output else (0,)
        else:
            ended = self.run("resume")
        faults = []
        if ended:
            said += ended.output
            if ended.status not in expected:
                faults.append(f"{way} ended in {ended.status}")
        faults += [*self.faults(version), *oracle.faults_of_journal(self)]
        before = oracle.effects(self.events())
        again = self.run("resume")
        if oracle.effects(self.events()) != before or "nothing to do" not in again.output:
            faults.append(f"a second resume did something: {again.output}")
        return [*faults, f"said:\n{said}"] if faults else []

    def end(self):
        self.place.end()
        if not self.given.keep:
            shutil.rmtree(self.place.directory)


def play(name, given, cases):
    stack = STACKS[name]
    if needs := lacking(stack.needs):
        cases.ended(name, "FAILED" if os.environ.get("CI") else "skipped", [f"needs {needs}"])
        return
    began = time.monotonic()
    matrix = Matrix(name, given)
    try:
        matrix.begin()
        points = matrix.points()
        count = min(len(points), given.spread or stack.spread)
        chosen = given.only or [points[(2 * number + 1) * len(points) // (2 * count)] for number in range(count)]
        for number, point in enumerate(chosen):
            way = "abort" if number % 3 == 1 else "resume"
            try:
                faults = matrix.case(point, way)
            except (Wrong, subprocess.TimeoutExpired) as error:
                faults = [f"{type(error).__name__}: {error}"]
            cases.ended(f"{name} {point} {way}", "FAILED" if faults else "passed", faults)
        print(f"  {name}: {len(chosen)} of {len(points)} points, {time.monotonic() - began:.0f} s", flush=True)
    except Exception:
        cases.ended(name, "FAILED", [*matrix.place.told(), traceback.format_exc()])
    finally:
        try:
            matrix.end()
        except Exception:
            cases.ended(f"{name}: what it started", "FAILED", [traceback.format_exc()])


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--backout", required=True)
    options.add_argument("--spread", type=int, default=0)
    options.add_argument("--parallel", type=int, default=2)
    options.add_argument("--only", action="append", help="this point alone")
    options.add_argument("--keep", action="store_true", help="leave the directories")
    options.add_argument("stack", nargs="*", choices=[[], *STACKS], metavar="STACK")
    given = options.parse_args()
    if not is_built(given.backout):
        return 2
    cases = Cases()
    with ThreadPoolExecutor(max(1, given.parallel)) as pool:
        list(pool.map(lambda name: play(name, given, cases), given.stack or list(STACKS)))
    return cases.closing()


if __name__ == "__main__":
    sys.exit(main())
