#!/usr/bin/python3
"""The demo: a shop under load, a release that breaks it, and the way back, with a kill -9 in the middle.

    BACKOUT=build/release/backout demo/demo.py [DIRECTORY]        (./dev demo)

Everything is under DIRECTORY (build/demo) and on free ports of 127.0.0.1. DEMO_SEED=N plays the kill at the same moment again.
Exit status 0 only when everything that the last lines claim was seen to hold.
"""
import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

sys.dont_write_bytecode = True
from stage import Stage, StageError, get, wait_until  # noqa: E402

HERE = Path(__file__).resolve().parent
EXAMPLE = HERE.parent / "examples" / "shop"
ORDERS_UNDER_V2 = 240     # at least 200 between checkpoint and close, as the summary demands
KILL_WITHIN = 0.25        # seconds after the chosen step of cutover ended


def say(text):
    print(textwrap.fill(text, 110, initial_indent="  ", subsequent_indent="  "), flush=True)


def title(number, text):
    print(f"\n{number}  {text}\n", flush=True)


def quote(text):
    for line in text.rstrip().splitlines():
        print(f"    | {line}".rstrip())
    print(flush=True)


class Play:
    def __init__(self, stage, backout, seed):
        self.stage, self.backout, self.seed = stage, backout, seed
        self.held = []  # (what, did it hold, what was seen)
        self.load = None
        self.saved_until = 0  # the last order that was confirmed before the deploy began

    def claim(self, what, holds, seen):
        self.held.append((what, bool(holds), seen))

    def run(self, *arguments, show=True):
        """Runs backout and shows it. Returns (exit status, output)."""
        if show:
            print(f"  $ backout {' '.join(arguments)}", flush=True)
        child = self.stage.start([self.backout, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        output = []
        for line in child.stdout:
            output.append(line)
            if show:
                print(f"    | {line}".rstrip(), flush=True)
        child.wait()
        if show:
            print(f"    exit status {child.returncode}\n", flush=True)
        return child.returncode, "".join(output)

    def must(self, *arguments, expected=0):
        status, output = self.run(*arguments)
        if status != expected:
            raise StageError(f"backout {' '.join(arguments)} ended with exit status {status}, not {expected}")
        return output

    def orders(self):
        """Confirmed orders so far, as the customers' ledger has them."""
        try:
            return [json.loads(line) for line in self.stage.ledger.read_text().splitlines(keepends=True) if line.endswith("\n")]
        except FileNotFoundError:
            return []

    def orders_of(self, version):
        return sum(1 for order in self.orders() if order["version"] == version)

    def open_shop(self):
        title(1, "A shop, v1, behind nginx. Customers order all the time and keep a ledger of their own.")
        self.stage.build()
        subprocess.run(["./deploy.sh", "v1"], cwd=self.stage.shop, env=self.stage.environment, check=True, stdout=subprocess.DEVNULL)
        self.load = self.stage.start(
            ["/usr/bin/python3", "-B", str(EXAMPLE / "load.py"), self.stage.public_url, str(self.stage.ledger),
             "--seed", str(self.seed), "--summary", str(self.stage.directory / "load.json")],
            stdout=subprocess.DEVNULL, start_new_session=True)
        wait_until(lambda: self.orders_of("v1") >= 40, 30, "the first 40 orders")
        say(f"{self.orders_of('v1')} orders confirmed at {self.stage.public_url}. backout is told what runs, and that it is good:")
        self.must("record", "v1")
        self.must("good", "v1")

    def deploy(self):
        title(2, "v2 arrives. Its migration drops a column that v1 needs; its code fails one checkout in eight.")
        say("The team's own deploy script, with a checkpoint before it and checks after it:")
        self.saved_until = max(order["id"] for order in self.orders())
        self.must("deploy", "--version", "v2", "--", "./deploy.sh", "v2", expected=5)
        say("Exit status 5: changed, but not verified. Customers keep ordering meanwhile.")
        wait_until(lambda: self.orders_of("v2") >= ORDERS_UNDER_V2, 60, f"{ORDERS_UNDER_V2} orders under v2")
        failing = sum(get(self.stage.public_url + "/selftest/checkout")[0] == 500 for _ in range(3))
        say(f"{self.orders_of('v2')} orders confirmed under v2 so far; none of them is in the backup. "
            f"The shop's own test checkout fails {failing} times of 3.")

    def plan(self):
        title(3, "What would going back do?")
        self.must("plan")

    def choose_moment(self):
        """A step of cutover and a delay after its end, from the seed: (step, seconds)."""
        steps = json.loads(self.run("plan", "-o", "json", show=False)[1])["contract"]["steps"]
        inside = [step["id"] for step in steps if step["phase"] in ("close", "last rows", "switch", "start")]
        dice = random.Random(self.seed)
        # Not the last: what is looked at behind it is over sooner than the delay, and the kill must come while users are outside.
        return dice.choice(inside[:-1]), dice.uniform(0, KILL_WITHIN)

    def roll_back(self):
        title(4, "Roll back, and kill -9 the program in the middle of it.")
        step, delay = self.choose_moment()
        log = self.stage.directory / "rollback.log"
        print("  $ backout rollback --reason 'one checkout in eight fails' --yes", flush=True)
        with open(log, "w", encoding="utf-8") as output:
            child = self.stage.start([self.backout, "rollback", "--reason", "one checkout in eight fails", "--yes"],
                                     stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        wait_until(lambda: f"cutover  {step} done" in log.read_text() or child.poll() is not None, 120, f"the step {step}")
        deadline = time.monotonic() + delay
        while child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.001)
        outside = get(self.stage.public_url + "/version")[0] == 503
        child.send_signal(signal.SIGKILL)
        child.wait()
        quote("(the plan, as above)\n" + log.read_text().partition("--reason \"...\"\n")[2].strip())
        if child.returncode != -signal.SIGKILL:
            raise StageError(f"the rollback ended before the kill, with exit status {child.returncode}")
        say(f"kill -9, {delay * 1000:.0f} ms after {step} (seed {self.seed}; DEMO_SEED={self.seed} plays it again).")
        self.claim("killed with -9 while users were outside", outside, f"{delay * 1000:.0f} ms after {step}")
        print()
        status, _ = self.run("status")
        say(f"Nobody is inside: customers see status {get(self.stage.public_url + '/version')[0]}. Carry on:" if status == 0 else
            "Carry on:")
        status, _ = self.run("resume")
        self.claim("resume finished the rollback", status == 0, f"exit status {status}")
        events = self.count_events()
        status, _ = self.run("resume", show=False)
        self.claim("a second resume does nothing", self.count_events() == events, f"exit status {status}, no new event")

    def count_events(self):
        return len(self.run("journal", "export", show=False)[1].splitlines())

    def close_shop(self):
        title(5, "v1 serves again. Is every confirmed order there?")
        before = self.orders_of("v1")
        wait_until(lambda: self.orders_of("v1") >= before + 60, 60, "60 more orders under v1")
        self.load.send_signal(signal.SIGTERM)
        self.load.wait(30)
        version = self.stage.answering_version()
        self.claim("v1 answers through nginx", version == "v1", f"/version says {version}")
        services = {name: self.stage.release_of(name) for name in ("web", "worker")}
        self.claim("web and worker run from releases/v1", set(services.values()) == {"v1"}, str(services))
        found = subprocess.run(["/usr/bin/python3", "-B", EXAMPLE / "verify_ledger.py", self.stage.ledger,
                                self.stage.shop / "shared/shop.db", "--saved-until", str(self.saved_until)],
                               capture_output=True, text=True, check=False)
        quote(found.stdout + found.stderr)
        self.claim("every confirmed order is there exactly once", found.returncode == 0, found.stdout.strip().splitlines()[-1:])
        under_v2 = self.orders_of("v2")
        self.claim("at least 200 of them were made under v2", under_v2 >= 200, f"{under_v2} orders")
        status, _ = self.run("audit", "verify", show=False)
        self.claim("the journal's chain holds", status == 0, f"exit status {status}")
        status, report = self.run("report", show=False)
        (self.stage.directory / "report.md").write_text(report)
        print("  $ backout report")
        quote(report.partition("\n## Steps")[0])
        say(f"... the whole of it, with every step, check and command: {self.stage.directory}/report.md")
        self.claim("the report is written", status == 0 and "v2 -> v1" in report, str(self.stage.directory / "report.md"))

    def summary(self):
        load = json.loads((self.stage.directory / "load.json").read_text())
        print("\nWhat the customers saw (their own ledger and clocks; backout has never seen either)\n")
        print(f"  orders confirmed    {load['confirmed']}")
        print(f"  maintenance pages   {load['maintenance page']}")
        for what, count in load["errors"].items():
            print(f"  {what:<19} {count}")
        for outage in load["outages"]:
            saw = ", ".join(f"{count} x {what}" for what, count in outage["saw"].items())
            print(f"  nobody served for   {outage['seconds']} s ({saw})")
        print("\nWhat was claimed, and looked at\n")
        for what, holds, seen in self.held:
            seen = seen[0] if isinstance(seen, list) and seen else seen
            print(f"  {'held ' if holds else 'FAILED'} {what}: {seen}")
        bad = [what for what, holds, _ in self.held if not holds]
        print(f"\n{'NOT everything held: ' + '; '.join(bad) if bad else 'Everything held.'}  (seed {self.seed})")
        return 1 if bad else 0


def main():
    backout = os.path.abspath(os.environ.get("BACKOUT", HERE.parent / "build" / "release" / "backout"))
    if not os.access(backout, os.X_OK):
        print(f"demo: {backout} is not there. Build it: ./dev build", file=sys.stderr)
        return 2
    seed = int(os.environ.get("DEMO_SEED") or random.SystemRandom().randrange(1_000_000))
    began = time.monotonic()
    try:
        stage = Stage(sys.argv[1] if len(sys.argv) > 1 else HERE.parent / "build" / "demo", EXAMPLE)
    except StageError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    status = 1
    try:
        play = Play(stage, backout, seed)
        print(f"The demo plays in {stage.directory}; seed {seed}.")
        for scene in (play.open_shop, play.deploy, play.plan, play.roll_back, play.close_shop):
            scene()
        status = play.summary()
    except (StageError, subprocess.SubprocessError) as error:
        print(f"\nNOT everything held: {error}  (seed {seed}; look into {stage.directory})", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        status = 130
    finally:
        left = stage.clear()
        if left:
            print(f"demo: {left} processes did not end", file=sys.stderr)
            status = status or 1
    print(f"It took {time.monotonic() - began:.0f} s; everything it started has ended, its files are in {stage.directory}.")
    return status


if __name__ == "__main__":
    sys.exit(main())
