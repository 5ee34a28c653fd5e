#!/usr/bin/python3
"""The worked examples, each end to end: a good release, a bad one, seen, decided, taken back, proved, reported.

    tests/examples/run.py --backout build/dev/backout [--show] [--keep] [EXAMPLE...]

An example is a folder examples/NAME; its course is the function run(place) of the file here with that name, `-` as `_`.
place.py says what a place is. A course raises where something is not as it should be; what it returns is printed with --show.
"""
import argparse
import importlib.util
import os
import shutil
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]
from cases import Cases, is_built  # noqa: E402
from place import ROOT, Place, lacking  # noqa: E402


def file_of(name):
    return HERE / f"{name.replace('-', '_')}.py"


def examples():
    """Those that have a course; examples/shop is played by the demo. Some are played twice, by two tools."""
    return [path.name for path in sorted((ROOT / "examples").iterdir()) if file_of(path.name).exists()] + ["compose-plugin"]


def course_of(name):
    spec = importlib.util.spec_from_file_location(f"example_{name.replace('-', '_')}", file_of(name))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Run(Cases):
    def __init__(self, given):
        super().__init__()
        self.given, self.backout = given, os.path.abspath(given.backout)

    def run(self, name):
        began = time.monotonic()
        place = None
        try:
            course = course_of(name)
            if why := getattr(course, "cannot", str)():  # what is fetched from elsewhere
                self.ended(name, "skipped", [why])
                return
            if needs := lacking(getattr(course, "NEEDS", ())):
                # A machine of CI has what tests need, so that nothing is hidden by its absence.
                self.ended(name, "FAILED" if os.environ.get("CI") else "skipped", [f"needs {needs}"])
                return
            place = Place(name, self.backout)
            words = course.run(place)
            state, said = "passed", [*place.told(), *(words or [])] if self.given.show else []
        except Exception:
            state, said = "FAILED", [*(place.told() if place else []), traceback.format_exc()]
        if place:
            if self.given.keep:
                said.append(f"kept: {place.directory}")
            try:
                place.end()
            except Exception:
                state, said = "FAILED", [*said, traceback.format_exc()]
            if not self.given.keep:
                shutil.rmtree(place.directory)
        self.ended(name, state, said, f"  {time.monotonic() - began:.1f} s")


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--backout", required=True)
    options.add_argument("--parallel", type=int, default=2)
    options.add_argument("--show", action="store_true", help="everything that is said")
    options.add_argument("--keep", action="store_true", help="leave the directories, to look around")
    options.add_argument("example", nargs="*", choices=[[], *examples()], metavar="EXAMPLE")
    given = options.parse_args()
    if not is_built(given.backout):
        return 2
    cases = Run(given)
    with ThreadPoolExecutor(max(1, given.parallel)) as pool:
        list(pool.map(cases.run, given.example or examples()))
    return cases.closing()


if __name__ == "__main__":
    sys.exit(main())
