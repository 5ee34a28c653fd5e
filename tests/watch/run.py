#!/usr/bin/python3
"""A fresh release is watched, judged and taken back: real nginx, real customers, a fault injected in a running application.

    tests/watch/run.py --backout build/dev/backout [--show] [CASE...]

Each case prints how many seconds went by from the first request that failed to the verdict, where there is one.
"""
import argparse
import os
import shutil
import sys
import tempfile
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
import alarms  # noqa: E402
import judged  # noqa: E402
from cases import Cases, is_built  # noqa: E402
from stand import Stand  # noqa: E402

CASES = {**judged.CASES, **alarms.CASES}


class Run(Cases):
    def __init__(self, backout, show):
        super().__init__()
        self.backout, self.show = os.path.abspath(backout), show

    def run(self, name):
        case = CASES[name]
        if lacking := case.missing():
            self.ended(name, "skipped", [f"needs {lacking}"])
            return
        directory = Path(tempfile.mkdtemp(prefix="backout-watch-"))
        directory.chmod(0o755)
        stand = None
        try:
            stand = Stand(directory / "site", self.backout, case.more)
            stand.build()
            words = case.judge(stand) or []
            self.ended(name, "passed", words)
        except Exception:
            self.ended(name, "FAILED", [traceback.format_exc()])
        finally:
            if stand:
                stand.down()
            shutil.rmtree(directory)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--backout", required=True)
    options.add_argument("--parallel", type=int, default=3)
    options.add_argument("--show", action="store_true")
    options.add_argument("case", nargs="*", choices=[[], *CASES], metavar="CASE")
    given = options.parse_args()
    if not is_built(given.backout):
        return 2
    cases = Run(given.backout, given.show)
    with ThreadPoolExecutor(max(1, given.parallel)) as pool:
        list(pool.map(cases.run, given.case or CASES))
    return cases.closing()


if __name__ == "__main__":
    sys.exit(main())
