#!/usr/bin/python3
"""Code brought back by the real tools, whole program: tests/code/run.py --backout build/dev/backout [--keep] [CASE...]"""
import argparse
import os
import shutil
import sys
import tempfile
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.dont_write_bytecode = True
import branches  # noqa: E402
import builds  # noqa: E402
import deploys  # noqa: E402

CASES = {**builds.CASES, **branches.CASES, **deploys.CASES}


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--backout", required=True)
    options.add_argument("--keep", action="store_true", help="leave the directories")
    options.add_argument("case", nargs="*", choices=[[], *CASES], metavar="CASE")
    options = options.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="backout-code-"))
    count, lock = {"passed": 0, "FAILED": 0, "skipped": 0}, threading.Lock()

    def one(name):
        run, missing = CASES[name]
        began = time.monotonic()
        if lacking := missing():
            state, words = "skipped", [f"needs {lacking}"]
        else:
            try:
                words = run(directory / name, options.backout)
            except Exception:
                words = [traceback.format_exc()]
            state = "FAILED" if words else "passed"
        with lock:
            count[state] += 1
            print("\n".join([f"{state} {name} ({time.monotonic() - began:.1f} s)",
                             *(f"    {line}" for word in words for line in word.splitlines())]), flush=True)

    try:
        with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
            list(pool.map(one, options.case or list(CASES)))
    finally:
        if options.keep:
            print(f"kept: {directory}")
        else:
            shutil.rmtree(directory)
    skipped = f", {count['skipped']} skipped" if count["skipped"] else ""
    print(f"{count['passed']} passed, {count['FAILED']} failed{skipped}")
    return 1 if count["FAILED"] else 0


if __name__ == "__main__":
    sys.exit(main())
