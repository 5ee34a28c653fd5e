#!/usr/bin/python3
"""Each thing that is taken away, alone, turns `backout ready` red and is named; put back, it is green again.

    tests/ready/run.py --backout build/dev/backout [--show] [CASE...]

How a case is judged stands in gone.py. Real processes, a real supervisord, a real sshd; nothing is left behind.
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
import built  # noqa: E402
import gone  # noqa: E402
import server  # noqa: E402
import shop  # noqa: E402
from cases import Cases, is_built  # noqa: E402

KINDS = (shop, built, server)


class Run(Cases):
    def __init__(self, backout, show):
        super().__init__()
        self.backout, self.show = os.path.abspath(backout), show

    def run(self, kind, names):
        """Some cases of one kind of site, one after the other on the same site."""
        if lacking := kind.missing():
            for name in names:
                self.ended(name, "skipped", [f"needs {lacking}"])
            return
        directory = Path(tempfile.mkdtemp(prefix="backout-ready-"))
        directory.chmod(0o755)
        try:
            site = kind.Site(directory / "site", self.backout)
            try:
                site.build()
                if faults := gone.faults_of_green(site, f"nothing is taken away from {kind.__name__}"):
                    self.ended(f"{kind.__name__}-is-green", "FAILED", faults)
                    return
                self.ended(f"{kind.__name__}-is-green", "passed")
                for name in names:
                    self.ended(name, *self.judged(site, kind.GONE[name], name))
            finally:
                site.down()
        except Exception:
            self.ended(f"the site of {', '.join(names)}", "FAILED", [traceback.format_exc()])
        finally:
            shutil.rmtree(directory)

    def judged(self, site, case, name):
        if case.needs_root and os.geteuid() != 0:
            return "skipped", ["needs root"]
        began = time.monotonic()
        try:
            faults = gone.faults_of(site, case)
        except Exception:
            faults = [traceback.format_exc()]
        if self.show:
            print(f"--- {name}: {time.monotonic() - began:.1f} s", flush=True)
        return ("FAILED" if faults else "passed"), faults


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--backout", required=True)
    options.add_argument("--show", action="store_true", help="how long each case takes")
    options.add_argument("case", nargs="*", choices=[[], *(name for kind in KINDS for name in kind.GONE)], metavar="CASE")
    given = options.parse_args()
    if not is_built(given.backout):
        return 2
    cases = Run(given.backout, given.show)
    groups = []
    for kind in KINDS:
        names = [name for name in kind.GONE if not given.case or name in given.case]
        groups += [(kind, names[one::kind.SITES]) for one in range(kind.SITES) if names[one::kind.SITES]]
    with ThreadPoolExecutor(len(groups)) as pool:
        list(pool.map(lambda group: cases.run(*group), groups))
    return cases.closing()


if __name__ == "__main__":
    sys.exit(main())
