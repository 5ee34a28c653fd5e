#!/usr/bin/python3
"""Code brought back by the real tools, whole program: tests/code/run.py --backout build/dev/backout [--keep] [CASE...]"""
import argparse
import os
import shutil
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
import assets  # noqa: E402
import branches  # noqa: E402
import builds  # noqa: E402
import coolify_site  # noqa: E402
import deploys  # noqa: E402
import handover  # noqa: E402
from cases import Cases, is_built  # noqa: E402

CASES = {**builds.CASES, **branches.CASES, **deploys.CASES, **assets.CASES, **handover.CASES, **coolify_site.CASES}


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--backout", required=True)
    options.add_argument("--keep", action="store_true", help="leave the directories")
    options.add_argument("case", nargs="*", choices=[[], *CASES], metavar="CASE")
    options = options.parse_args()
    if not is_built(options.backout):
        return 2
    directory = Path(tempfile.mkdtemp(prefix="backout-code-"))
    cases = Cases()

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
        cases.ended(name, state, words, f" ({time.monotonic() - began:.1f} s)")

    try:
        with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
            list(pool.map(one, options.case or list(CASES)))
    finally:
        if options.keep:
            print(f"kept: {directory}")
        else:
            shutil.rmtree(directory)
    return cases.closing()


if __name__ == "__main__":
    sys.exit(main())
