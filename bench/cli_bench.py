#!/usr/bin/python3
"""How long the commands take, as a person waits for them: fresh processes of build/release/backout. One JSON row per line.

    bench/cli_bench.py [NAME...]        cold_start, status_100k_events, plan_100k_events, step_overhead, step_fsyncs

The journals are made by bench/make_journal.cc. step_overhead runs rollbacks of a site whose plan has a hundred steps that run
`true`, and of the same site with none, in turn with its peer: the same command by fork and exec (bench/bare_command.cc).
"""
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BUILD = Path(__file__).resolve().parent.parent / "build" / "release"
BACKOUT = str(BUILD / "backout")
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "21"))
STEPS = 100

SITE = """site: bench
state: state
jobs: 1
door: {command: {close: [/bin/true], open: [/bin/true]}}
checks: ["http://127.0.0.1:9/health 200"]
"""
STEPS_SITE = """site: bench
state: state
jobs: 1
checks: [{run: [/bin/true], name: there, attempts: 1}]
hosts: {local: {root: @SITE@/target}}
commands:
"""


def run(arguments, directory, expected=(0,)):
    began = time.perf_counter()
    done = subprocess.run([BACKOUT, *arguments], cwd=directory, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    took = (time.perf_counter() - began) * 1000
    if done.returncode not in expected:
        raise SystemExit(f"backout {' '.join(arguments)}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
    return took


def row(name, value, unit, peer=None, peer_value=None):
    ratio = None if peer_value is None else peer_value / value
    print(json.dumps({"name": name, "value": value, "unit": unit, "peer": peer, "peer_value": peer_value, "ratio": ratio}), flush=True)


def with_journal(directory, events):
    site = Path(directory) / f"journal-{events}"
    if not site.exists():
        site.mkdir()
        (site / "backout.yaml").write_text(SITE)
        subprocess.run([BUILD / "make_journal", site / "state", "bench/production", str(events)], check=True)
    return site


def fresh_process(name, arguments, events, directory):
    site = with_journal(directory, events)
    run(arguments, site)
    row(name, statistics.median(run(arguments, site) for _ in range(ROUNDS)), "ms")


def site_of_steps(directory, steps):
    """A site that can be rolled back from v2 to v1 in `steps` commands and nothing else that takes time."""
    site = Path(directory) / f"steps-{steps}"
    site.mkdir(parents=True)
    commands = "".join(f"  - {{name: step-{i}, phase: start, run: [/bin/true], repeatable: true}}\n" for i in range(steps))
    text = STEPS_SITE + commands if steps else STEPS_SITE.replace("commands:\n", "")
    (site / "backout.yaml").write_text(text.replace("@SITE@", str(site)))
    for words in (["record", "v1"], ["good", "v1"]):
        run(words, site)
    return site


def rollback(site):
    run(["record", "v2"], site)
    return run(["rollback", "v1", "--reason", "bench", "--yes"], site)


def step_overhead(directory):
    long, short = site_of_steps(directory, STEPS), site_of_steps(directory, 0)
    ours, bare = [], []
    for _ in range(max(3, ROUNDS // 3)):
        ours.append((rollback(long) - rollback(short)) / STEPS)
        bare.append(float(subprocess.run([BUILD / "bare_command", str(STEPS), "/bin/true"], check=True, capture_output=True).stdout))
    row("step_overhead", statistics.median(o - b for o, b in zip(ours, bare)), "ms", "bare", statistics.median(bare))


def step_fsyncs(directory):
    """Calls of fsync and its kin for a step, in backout and in the shim: the difference of the two sites, divided."""
    counts = []
    for steps in (STEPS, 0):
        site = site_of_steps(Path(directory) / "fsyncs", steps)
        run(["record", "v2"], site)
        trace = site / "trace"
        subprocess.run(
            ["strace", "-f", "-e", "trace=fsync,fdatasync,sync,syncfs,sync_file_range", "-o", trace, BACKOUT, "rollback", "v1",
             "--reason", "bench", "--yes"], cwd=site, stdin=subprocess.DEVNULL, capture_output=True, check=True)
        counts.append(sum("sync" in line and "resumed" not in line for line in trace.read_text().splitlines()))
    row("step_fsyncs", (counts[0] - counts[1]) / STEPS, "fsyncs")


def main():
    directory = tempfile.mkdtemp(prefix="bench-", dir=BUILD)  # on the disk of the build: /tmp may be memory, and fsync free
    benches = {
        "cold_start": lambda: fresh_process("cold_start", ["status"], 100, directory),
        "status_100k_events": lambda: fresh_process("status_100k_events", ["status"], 100_000, directory),
        "plan_100k_events": lambda: fresh_process("plan_100k_events", ["plan"], 100_000, directory),
        "step_overhead": lambda: step_overhead(directory),
        "step_fsyncs": lambda: step_fsyncs(directory),
    }
    try:
        for name, measure in benches.items():
            if len(sys.argv) == 1 or name in sys.argv[1:]:
                measure()
    finally:
        shutil.rmtree(directory)
    return 0


if __name__ == "__main__":
    sys.exit(main())
