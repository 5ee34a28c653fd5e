#!/usr/bin/python3
"""False success: each liar alone keeps the exit status away from 0, and without it the same run ends in 0.

    tests/liars/run.py --backout build/dev/backout [--show] [CASE...]

How a case is judged stands in liar.py. Real processes, a real systemd, a real sshd; nothing is left behind.
"""
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
import liar  # noqa: E402
import pair  # noqa: E402
import unit  # noqa: E402
import web  # noqa: E402
from cases import Cases, is_built  # noqa: E402

KINDS = (web, unit, pair)


class Run(Cases):
    def __init__(self, backout, show):
        super().__init__()
        self.backout, self.show = os.path.abspath(backout), show

    def run(self, kind, names):
        """The cases of one kind of site, one after the other on the same site."""
        if lacking := kind.missing():
            for name in names:
                self.ended(name, "skipped", [f"needs {lacking}"])
            return
        directory = Path(tempfile.mkdtemp(prefix="backout-liars-"))
        directory.chmod(0o755)
        try:
            site, down = kind.site(directory / "site", self.backout)
            try:
                site.prepare()
                for name in names:
                    self.ended(name, *self.judged(site, kind.LIARS[name], name))
            finally:
                down()
        except Exception:
            self.ended(f"the site of {', '.join(names)}", "FAILED", [traceback.format_exc()])
        finally:
            shutil.rmtree(directory)

    def judged(self, site, one, name):
        began = time.monotonic()
        try:
            faults = liar.faults_of(site, one, self.shown(name) if self.show else None)
        except Exception:
            faults = [traceback.format_exc()]
        if self.show:
            print(f"--- {name}: {time.monotonic() - began:.1f} s")
        return ("FAILED" if faults else "passed"), faults

    def shown(self, name):
        return lambda run, said: print(f"--- {name}, {run}\n{said.strip()}", flush=True)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--backout", required=True)
    options.add_argument("--parallel", type=int, default=len(KINDS))
    options.add_argument("--show", action="store_true", help="what backout says in each run")
    options.add_argument("case", nargs="*", choices=[[], *(name for kind in KINDS for name in kind.LIARS)], metavar="CASE")
    given = options.parse_args()
    if not is_built(given.backout):
        return 2
    cases = Run(given.backout, given.show)
    chosen = [(kind, [name for name in kind.LIARS if not given.case or name in given.case]) for kind in KINDS]
    with ThreadPoolExecutor(max(1, given.parallel)) as pool:
        list(pool.map(lambda one: cases.run(*one), [one for one in chosen if one[1]]))
    return cases.closing()


if __name__ == "__main__":
    sys.exit(main())
