#!/usr/bin/python3
"""Runs the benchmarks: ./dev bench [--full] [NAME...]. Prints a table and writes build/bench.json.

--full: PostgreSQL with 10 million rows instead of one million, which takes an hour and 20 GB in $TMPDIR.

A row is {name, value, unit, peer, peer_value, ratio, about, machine}; ratio says how many times better than the peer we are (over
1 is ahead). Where there is a peer, both were measured in turn in the same run, and the figures are medians of the pairs. A
benchmark is a program that prints such rows as JSON, as a list or one per line: cli_bench.py, postgresql_bench.py, traffic_bench.py,
compose_bench.py, and bench_* made of *_bench.cc.
"""
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "release"
OUT = ROOT / "build" / "bench.json"
# What each row may be at most (or at least), from the requirements; a row beyond it makes the exit status 1.
AT_MOST = {"cold_start": 20, "status_100k_events": 30, "plan_100k_events": 30, "step_overhead": 15, "sqlite_rescue_rss": 64,
           "swap_outage_p50": 100, "pg_rss": 256, "access_log_rss": 64, "decide": 1, "lint_grid": 50, "detector_mean_votes": 95,
            "detector_p99_votes": 210, "detector_false_alarms": 1e-3, "detector_bursty_false_alarms": 0}
AT_LEAST_RATIO = {("sqlite_diff", "except"): 1, ("pg_diff", "pg_comparator"): 4, ("pg_diff", "floor"): 0.5,
                  ("pg_diff_9pct", "pg_comparator"): 4, ("pg_diff_9pct", "floor"): 0.5,
                  ("pg_count_inserts", "count"): 0.25, ("pg_count", "count"): 0.25, ("pg_count_slot", "count"): 0.25,
                  ("slot_read", "pg_recvlogical"): 1, ("rescue_load", "copy"): 0.5,
                  ("access_log", "goaccess"): 30, ("access_log", "awk"): 1.5, ("access_log", "memchr"): 0.2}

# What a switch may take more than its peer by hand: so much of it, or so many seconds, whichever is more.
MORE_THAN_PEER = {"nginx_switch": (0.10, 0.2), "compose_switch": (0.10, 0.2)}

COLUMNS = ("name", "value", "unit", "peer", "peer_value", "ratio", "about")
FULL = {"BENCH_ROWS": "10000000", "BENCH_PG_ROUNDS": "3"}


def machine():
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    return f"{model}, {os.cpu_count()} cores, Linux {platform.release()}"


def rows_of(argv, names):
    child = subprocess.run(argv + names, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if child.returncode != 0:
        raise SystemExit(f"{argv[0]}: exit status {child.returncode}")
    if child.stdout.startswith("["):
        return json.loads(child.stdout)
    return [json.loads(line) for line in child.stdout.splitlines()]


def figure(value):
    return "" if value is None else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def beyond(row):
    name = row["name"]
    if name in AT_MOST and row["value"] > AT_MOST[name]:
        return f"more than {AT_MOST[name]} {row['unit']}"
    if name in MORE_THAN_PEER:
        share, seconds = MORE_THAN_PEER[name]
        most = row["peer_value"] + max(share * row["peer_value"], seconds)
        return f"more than {most:.3g} s" if row["value"] > most else ""
    least = AT_LEAST_RATIO.get((name, row.get("peer")))
    if least is not None and (row.get("ratio") or 0) < least:
        return f"less than {least} times {row['peer']}"
    return ""


def main():
    names = [name for name in sys.argv[1:] if name != "--full"]
    if "--full" in sys.argv[1:]:
        os.environ |= FULL | os.environ
    subprocess.run(["cmake", "--preset", "release"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", BUILD, "--target", "backout", "benches"], check=True)
    benches = ("cli_bench.py", "postgresql_bench.py", "traffic_bench.py", "compose_bench.py")
    programs = [[sys.executable, str(ROOT / "bench" / name)] for name in benches]
    programs += [[str(path)] for path in sorted(BUILD.glob("bench_*")) if os.access(path, os.X_OK) and path.is_file()]
    where, rows, late = machine(), [], []
    print(f"\n{where}\n\n{'name':<22}{'value':>12} {'unit':<8}{'peer':<14}{'peer value':>12}{'ratio':>8}")
    for program in programs:
        for row in rows_of(program, names):
            if names and row["name"] not in names:
                continue
            row = {key: row.get(key) for key in COLUMNS} | {"machine": where}
            rows.append(row)
            limit = beyond(row)
            late += [f"{row['name']}: {limit}"] if limit else []
            print(f"{row['name']:<22}{figure(row['value']):>12} {row['unit']:<8}{row['peer'] or '':<14}"
                  f"{figure(row['peer_value']):>12}{figure(row['ratio']):>8}  {row['about'] or ''}  {limit}", flush=True)
    OUT.write_text(json.dumps(rows, indent=1) + "\n")
    print(f"\nwritten to {OUT.relative_to(ROOT)}")
    for words in late:
        print(f"NOT within its limit: {words}")
    return 1 if late or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
