#!/usr/bin/python3
"""The crash matrix: kills backout at every point that a clean run passes, and looks whether the site came through.

    matrix.py --backout build/dev/backout [--mode local|ssh] [--layout NAME] [--keeper NAME] [--jobs 1|4] [--parallel P]
              [--sample N] [--spread N] [--around STEP] [--seed S] [--scenario NAME]... [--forgetful LIBRARY] [--only POINT]
              [--expect-failure] [--keep]

The points are counted in a clean run each time: every append (before and after its commit) and every external command (before,
during, after). A command in the journal that lacks one of the three is a failure. Each case starts from a snapshot in its
worker's own directory; `--sample N` takes N points from `--seed`, `--spread N` N at even distances, always the same, beside
every point of the commands of steps that end in `--around`. BACKOUT_SABOTAGE=intent|fsync in the environment reaches the killed
command of each case; with --expect-failure the exit status is 0 only when a case failed.
"""
import argparse
import os
import queue
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path

sys.dont_write_bytecode = True
import keepers  # noqa: E402
import layouts  # noqa: E402
import scenarios  # noqa: E402
from scenarios import NotReached  # noqa: E402
from slot import Slot, free_port  # noqa: E402
from sshd import Sshd  # noqa: E402

MOMENTS = {"append": ("before", "after"), "command": ("before", "during", "after")}
SCENARIOS = {
    "resume": scenarios.rollback_and_resume,
    "abort": scenarios.rollback_and_abort,
    "twice": scenarios.rollback_killed_twice,
    "abort-twice": scenarios.abort_killed_twice,
    "deploy": scenarios.deploy_and_roll_back,
    "power": scenarios.power_cut,
}


class Matrix:
    def __init__(self, options, directory):
        self.options, self.directory = options, Path(directory)
        self.sabotage = {name: value for name, value in os.environ.items() if name == "BACKOUT_SABOTAGE"}
        self.dice = random.Random(options.seed)
        self.slots, self.daemons = [], []
        self.lock = threading.Lock()
        self.always = set()
        self.failed, self.done, self.total, self.stopped = [], 0, 0, False

    # --- slots --------------------------------------------------------------------------------------------------------

    def make_slot(self, number):
        base = self.directory / f"slot-{number}"
        base.mkdir()
        ssh = None
        if self.options.mode == "ssh":
            ssh = Sshd(base / "ssh", base, free_port())
            self.daemons.append(ssh)
        slot = Slot(base, self.options.backout, self.options.jobs, ssh, layout=layouts.LAYOUTS[self.options.layout],
                    keeper=keepers.KEEPERS[self.options.keeper])
        self.slots.append(slot)
        scenarios.prepare(slot)
        return slot

    def close(self):
        for slot in self.slots:
            slot.keep.clear()
            slot.end_everything()
        for daemon in self.daemons:
            daemon.stop()

    # --- points -------------------------------------------------------------------------------------------------------

    def points(self, slot, snapshot, arguments):
        """Every kill point of one clean run of `arguments`, in the order of the journal."""
        slot.restore(snapshot)
        earlier = {event["id"] for event in slot.events()}
        passed = slot.base / "passed"
        passed.write_text("")
        slot.more = {"BACKOUT_POINTS": str(passed)}
        slot.must(*arguments)
        slot.more = {}
        events = [event for event in slot.events() if event["id"] not in earlier]
        steps = [event["body"]["step"] for event in events if event["type"] == "attempt_intended"]
        commands = len(steps)
        self.always = {f"command:{number}:{moment}" for number, step in enumerate(steps, 1) for moment in MOMENTS["command"]
                       if self.options.around and step.endswith(self.options.around)}
        seen = len((slot.base / "trace.attempts").read_text().splitlines())
        if seen != commands:
            raise RuntimeError(f"the journal tells of {commands} commands, {seen} were seen: the witness (site/setsid) is blind")
        appends = sum(line.startswith("append:") and line.endswith(":before") for line in passed.read_text().splitlines())
        if not commands or not appends:
            raise RuntimeError(f"a clean run passes {commands} commands and {appends} appends: nothing to kill")
        return [f"{kind}:{number}:{moment}" for kind, count in (("append", appends), ("command", commands))
                for number in range(1, count + 1) for moment in MOMENTS[kind]]

    def cases(self, slot):
        """(scenario, point, more) of everything that is asked for."""
        deploy = (*scenarios.DEPLOY, "sh", str(slot.site / "deploy.sh"), "v2")
        wanted = self.options.scenario
        rollback = self.points(slot, "broken", scenarios.ROLLBACK) if set(wanted) - {"deploy"} else []
        deploys = self.points(slot, "good", deploy) if "deploy" in wanted else []
        found = []
        for name in wanted:
            points = self.sampled(deploys if name == "deploy" else rollback)
            if name in ("twice", "abort-twice"):
                early = [f"append:{number}:before" for number in range(1, 5)]  # where the second one decides which way to go
                points = self.options.only or [f"{point}+{self.dice.choice(rollback)}" for point in points] + \
                    [f"{point}+{second}" for point in sorted(self.always) for second in early]
            for point in points:
                more = dict(self.sabotage)
                if name == "power":
                    more.update(library=str(Path(self.options.forgetful).resolve()), names=self.dice.choice(["synced", "kept", "mixed"]),
                                seed=self.dice.randrange(1_000_000))
                found.append((name, point, more))
        if self.options.expect_failure:
            self.dice.shuffle(found)  # one failure is enough, and it is nearer so
        if self.options.only:
            found = [case for case in found if case[1] in self.options.only]
        return found

    def sampled(self, points):
        if self.options.spread:
            rest = [point for point in points if point not in self.always]
            spread = {rest[(2 * number + 1) * len(rest) // (2 * self.options.spread)] for number in range(self.options.spread)}
            return [point for point in points if point in self.always | spread]
        if not self.options.sample or self.options.sample >= len(points):
            return points
        return sorted(self.dice.sample(points, self.options.sample), key=points.index)

    # --- running ------------------------------------------------------------------------------------------------------

    def run_case(self, slot, case):
        name, point, more = case
        try:
            faults = SCENARIOS[name](slot, point, **more)
        except NotReached as error:
            faults = [f"the point of a clean run was not reached: {error}"]
        except Exception:  # a case that cannot be judged is a failed case
            faults = [traceback.format_exc()]
        with self.lock:
            self.done += 1
            if faults:
                self.failed.append((case, faults))
                shown = {key: value for key, value in more.items() if key != "library"}
                print(f"FAILED {name} {point} {shown or ''}", *(f"  {line}" for fault in faults for line in fault.splitlines()),
                      sep="\n", flush=True)
                if self.options.keep:
                    slot.end_everything()
                    shutil.copytree(slot.root, self.directory / "failed" / f"{name}-{point}", symlinks=True, dirs_exist_ok=True)
            elif self.done % 50 == 0:
                print(f"  {self.done} of {self.total}", flush=True)

    def run(self):
        began = time.monotonic()
        first = self.make_slot(0)
        cases = self.cases(first)
        self.total = len(cases)
        print(f"{self.total} cases ({', '.join(self.options.scenario)}; {self.options.mode}, {self.options.jobs} steps at once, "
              f"seed {self.options.seed}); counting them took {time.monotonic() - began:.0f} s", flush=True)
        waiting = queue.Queue()
        for case in cases:
            waiting.put(case)

        def work(number):
            try:
                slot = first if number == 0 else self.make_slot(number)
                while self.go_on():
                    self.run_case(slot, waiting.get_nowait())
            except queue.Empty:
                pass
            except Exception:
                with self.lock:
                    self.failed.append((("worker", number, {}), [traceback.format_exc()]))
                    print(self.failed[-1][1][0], flush=True)

        began = time.monotonic()
        workers = [threading.Thread(target=work, args=(number,)) for number in range(max(1, min(self.options.parallel, self.total)))]
        for worker in workers:
            worker.start()
        try:
            for worker in workers:
                worker.join()
        except KeyboardInterrupt:
            self.stopped = True
            print("stopped: the cases in hand come to their end", flush=True)
            for worker in workers:
                worker.join()
        took = time.monotonic() - began
        if not self.failed and self.done != self.total:
            self.failed.append((("matrix", "", {}), [f"only {self.done} of {self.total} cases were run"]))
        print(f"{self.done} cases, {len(self.failed)} failed, {took:.0f} s, {took / max(1, self.done):.2f} s a case "
              f"(seed {self.options.seed})", flush=True)

    def go_on(self):
        return not self.stopped and not (self.failed and self.options.expect_failure)


def read_options():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--backout", required=True)
    options.add_argument("--mode", choices=["local", "ssh"], default="local")
    options.add_argument("--layout", choices=list(layouts.LAYOUTS), default="releases")
    options.add_argument("--keeper", choices=list(keepers.KEEPERS), default="process")
    options.add_argument("--jobs", type=int, default=1)
    options.add_argument("--sample", type=int, default=0)
    options.add_argument("--spread", type=int, default=0)
    options.add_argument("--around", default="")
    options.add_argument("--seed", type=int, default=None)
    options.add_argument("--parallel", type=int, default=(os.cpu_count() or 1) + 1)  # a case waits a quarter of its time
    options.add_argument("--scenario", action="append", choices=list(SCENARIOS))
    options.add_argument("--forgetful", default="", help="the layer's shared library; needed by the scenario 'power'")
    options.add_argument("--only", action="append", help="this point alone")
    options.add_argument("--expect-failure", action="store_true")
    options.add_argument("--keep", action="store_true", help="leave the directory, and copies of what failed")
    given = options.parse_args()
    given.scenario = given.scenario or ["resume", "abort", "deploy"]
    if given.seed is None:
        given.seed = random.SystemRandom().randrange(1_000_000)
    if "power" in given.scenario and not given.forgetful:
        options.error("the scenario 'power' needs --forgetful LIBRARY")
    return given


def main():
    options = read_options()
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    directory = tempfile.mkdtemp(prefix="backout-crash-")
    matrix = Matrix(options, directory)
    try:
        matrix.run()
    finally:
        matrix.close()
        if options.keep:
            print(f"kept: {directory}")
        else:
            shutil.rmtree(directory)
    if options.expect_failure:
        print("it failed, as it must" if matrix.failed else "NOT noticed: every case passed with the safety taken out")
        print("1 passed, 0 failed" if matrix.failed else "0 passed, 1 failed")
        return 0 if matrix.failed else 1
    return 1 if matrix.failed else 0


if __name__ == "__main__":
    sys.exit(main())
