#!/usr/bin/python3
"""What changed runs first, and what does not fit is left out."""
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
from test_order import Clock, changed_files, in_order, touched  # noqa: E402

NAMES = ["rules", "unit", "watch", "code", "crash-local", "demo", "asan-unit"]
assert in_order(NAMES, []) == NAMES
assert in_order(NAMES, ["docs/watch.md"]) == NAMES
assert in_order(NAMES, ["tests/code/run.py"]) == ["rules", "code", "unit", "watch", "crash-local", "demo", "asan-unit"]
assert in_order(NAMES, ["src/run/executor.cc"])[:3] == ["rules", "unit", "crash-local"]
assert touched("crash-in-place-anew", ["tests/crash/matrix.py"]) and not touched("asan-unit", ["tests/crash/matrix.py"])

clock = Clock(10, {"unit": 4, "watch": 3, "build-asan": 6})
assert clock.fits("watch", 7) and not clock.fits("watch", 7.1)
assert clock.fits("new", 9) and not clock.fits("new", 9.1)
assert clock.fits("watch", 1, ["build-asan"]) and not clock.fits("watch", 1.1, ["build-asan"])
clock.ran("unit", 8)  # a machine half as fast
assert clock.pace() == 2 and clock.fits("watch", 4) and not clock.fits("watch", 4.1)
clock.ran("watch", 0.1)
assert 1 < clock.pace() < 2
assert Clock(0, {}).fits("watch", 1000)

assert changed_files(Path("/")) == []
print("1 passed, 0 failed")
