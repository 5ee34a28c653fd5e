#!/usr/bin/python3
"""The crash matrix over the stacks of examples/: backout killed where a clean rollback passes, then resumed, or aborted.

    stacks.py --backout build/dev/backout [--spread N] [--parallel P] [--only POINT] [--keep] [STACK...]

What a stack runs on (an nginx, a HAProxy, a Docker daemon, the stand-ins of an API server, of Coolify and of AWS) is begun once, most
by the example's own course: stack_kinds.py. A case brings v2 out as the team does, puts backout's state and target directories back
to how they were then, and kills the rollback. What serves is asked of the stack itself, never of backout. The points of a stack are counted in a
clean run: every append and every external command. --spread N takes N of them at even distances; without it each stack has its own
number, by what a case of it costs. Every third point is aborted instead of resumed. A stack may have cases of its own beside them
(`more`), be told what comes next (`goes`), run backout elsewhere (`run`), and say what must be as it was after `backout resolve` (`resolved`).
"""
import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "examples"), str(HERE.parent / "support")]
import oracle  # noqa: E402
from cases import Cases, is_built  # noqa: E402
from place import Place, Wrong, expect, lacking  # noqa: E402
from stack_kinds import STACKS as OF_EXAMPLES  # noqa: E402
from stack_machines import STACKS as ON_MACHINES  # noqa: E402
from stack_slow import STACKS as SLOW  # noqa: E402

STACKS = {**OF_EXAMPLES, **ON_MACHINES, **SLOW}

ONE_OF_AN_EXAMPLE = defaultdict(threading.Lock)  # its ports are its own
MOMENTS = {"append": ("before", "after"), "command": ("before", "during", "after")}
ROLLBACK = ("rollback", "--yes", "--reason", "matrix")


class Ended:
    def __init__(self, status, output):
        self.status, self.output = status, output


class Matrix:
    """One stack and its cases; oracle.py asks `run` and `events` of it."""
    rollback = ROLLBACK

    def __init__(self, name, given):
        self.name, self.given = name, given
        self.place = Place(getattr(STACKS[name], "example", name), os.path.abspath(given.backout))
        self.stack, self.steps = None, []  # steps: of each command of a clean run

    @property
    def seen(self):
        """A directory that backout sees by the same name, wherever it runs."""
        return getattr(self.stack, "directory", self.place.directory)

    # --- acting -------------------------------------------------------------------------------------------------------

    def run(self, *arguments, **more):
        if hasattr(self.stack, "run"):  # on a machine of its own
            return Ended(*self.stack.run(*arguments, **more))
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
        return [self.seen / "state", self.seen / "target"]

    def begin(self):
        self.stack = STACKS[self.name](self.place)
        self.must("record", "v1")
        self.must("good", "v1")
        if getattr(self.stack, "has_database", False):
            self.must("checkpoint")
        self.stack.bring("v2")
        self.must("record", "v2")
        self.looks_like("v2")
        for path in self.directories():
            path.mkdir(exist_ok=True)
            subprocess.run(["cp", "-a", path, f"{path}.before"], check=True)

    def put_back(self):
        self.goes("put back")
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
        passed = self.seen / "passed"
        passed.write_text("")
        self.must(*ROLLBACK, BACKOUT_POINTS=str(passed))
        self.looks_like("v1")
        self.steps = [event["body"]["step"] for event in self.events()[earlier:] if event["type"] == "attempt_intended"]
        commands = len(self.steps)
        appends = sum(line.startswith("append:") and line.endswith(":before") for line in passed.read_text().splitlines())
        expect(commands and appends, f"a clean run passes {commands} commands and {appends} appends: nothing to kill")
        return [f"{kind}:{number}:{moment}" for kind, count in (("append", appends), ("command", commands))
                for number in range(1, count + 1) for moment in MOMENTS[kind]]

    def killed(self, point):
        self.goes("rollback")
        ended = self.run(*ROLLBACK, BACKOUT_KILL=point)
        expect(ended.status == -signal.SIGKILL, f"the point of a clean run was not reached: exit status {ended.status}\n{ended.output}")

    def goes(self, way):
        """A stack may want to know what comes now."""
        if hasattr(self.stack, "goes"):
            self.stack.goes(way)

    def case(self, point, way, meanwhile=None):
        """The faults at the end of it; empty is the promise. `meanwhile`: what happens while backout is dead."""
        self.put_back()
        self.killed(point)
        if meanwhile:
            meanwhile()
        state = oracle.run_state(self.events())
        version, expected, said = "v1", (0,), ""
        if state is None or state[0] != "rollback":  # it had not begun
            if faults := self.faults("v2"):
                return [f"no run in the journal, yet {fault}" for fault in faults]
            ended = self.run(*ROLLBACK)
        elif state[1] not in ("running", "stopped"):
            ended = None
        elif way == "abort":
            self.goes("abort")
            ended = self.run("abort")
            if ended.status == 3:  # the commit point is behind it
                self.goes("resume")
                said, ended = ended.output, self.run("resume")
            else:
                version, expected = "v2", (5,) if "what has no undo: 'rebuild-search'" in ended.output else (0,)
        else:
            self.goes("resume")
            ended = self.run("resume")
        faults = []
        if ended:
            said += ended.output
            if ended.status not in expected:
                faults.append(f"{way} ended in {ended.status}")
        faults += [*self.faults(version), *oracle.faults_of_journal(self, unknown_allowed=meanwhile and way == "abort")]
        before = oracle.effects(self.events())
        again = self.run("resume")
        if oracle.effects(self.events()) != before or "nothing to do" not in again.output:
            faults.append(f"a second resume did something: {again.output}")
        if version == "v1" and not faults and hasattr(self.stack, "resolved"):
            said += self.must("resolve", "v2", "--cause", "matrix", "--fix", "none")
            faults += self.stack.resolved()
        return [*faults, f"said:\n{said}"] if faults else []

    def end(self):
        self.place.end()
        if not self.given.keep:
            shutil.rmtree(self.place.directory)


def judge(cases, name, case):
    try:
        faults = case()
    except (Wrong, subprocess.TimeoutExpired) as error:
        faults = [f"{type(error).__name__}: {error}"]
    cases.ended(name, "FAILED" if faults else "passed", faults)


def play(name, given, cases):
    stack = STACKS[name]
    if why := getattr(stack, "cannot", str)():
        cases.ended(name, "skipped", [why])
        return
    if needs := lacking(stack.needs):
        cases.ended(name, "FAILED" if os.environ.get("CI") else "skipped", [f"needs {needs}"])
        return
    with ONE_OF_AN_EXAMPLE[getattr(stack, "example", name)]:
        play_here(name, given, cases)


def play_here(name, given, cases):
    began, stack = time.monotonic(), STACKS[name]
    matrix = Matrix(name, given)
    try:
        matrix.begin()
        points = matrix.points() if stack.spread else []
        count = min(len(points), given.spread or stack.spread)
        chosen = given.only or [points[(2 * number + 1) * len(points) // (2 * count)] for number in range(count)]
        ways = ["abort" if number % 3 == 1 else "resume" for number in range(len(chosen))]
        for point, way in zip(chosen, ways):
            judge(cases, f"{name} {point} {way}", lambda: matrix.case(point, way))
        for what, case in (matrix.stack.more() if hasattr(matrix.stack, "more") and not given.only else {}).items():
            judge(cases, f"{name}: {what}", lambda: case(matrix))
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
