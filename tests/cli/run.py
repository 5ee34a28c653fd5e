#!/usr/bin/python3
"""The command line, case by case: a directory is a case.

    tests/cli/run.py --backout build/dev/backout [CASE...]      ACCEPT=1 writes what was seen as what is expected

A case has `cmd` (run by sh -u in an empty directory that holds copies of the case's other files, with `backout` first on PATH and
`$CLI` leading to site.sh), `expected.out`, `expected.err` and `status` (no file: 0). A file `needs` names what the case cannot do
without: root. What differs from run to run is written as @TIME@, @DAY@, @DURATION@, @ID@, @DIR@, @PID@. A case that is not `cmd`'s fault
still fails when it leaves a process behind.
"""
import argparse
import difflib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
OWN = {"cmd", "expected.out", "expected.err", "status", "needs"}
LIMIT = 300  # seconds a case may take; a machine under load takes its time

# In this order; each once.
PLACEHOLDERS = [
    (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?", "@TIME@"),
    (r"\b\d\d:\d\d:\d\d(\.\d+)?\b", "@TIME@"),
    (r"\b[0-9a-f]{64}\b", "@HASH@"),
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "@ID@"),
    (r"\b(INC-)\d{4}(-\d{4})\b", r"\1@YEAR@\2"),
    (r"\b(plan|Plan|checkpoint|Checkpoint) [0-9a-f]{8,32}\b", r"\1 @ID@"),
    (r"--plan [0-9a-f]{8,32}\b", "--plan @ID@"),
    (r"\b\d+(\.\d+)? (ms|s|min|h)( \d+(\.\d+)? (ms|s|min))*\b", "@DURATION@"),
    (r"\b\d+ days\b", "@DURATION@"),
    (r"\bjust now\b", "@DURATION@ ago"),
    (r"\b\d{1,2} (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)( \d{4})? {2,}", "@DAY@  "),
    (r"\b\d{1,2} (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)( \d{4})?\b", "@DAY@"),
    (r"\bless than a (second|millisecond)\b", "@DURATION@"),
    (r"\bpid \d+\b", "pid @PID@"),
]


def normalised(text, directory):
    text = text.replace(str(directory), "@DIR@").replace(str(HERE), "@CLI@")
    for pattern, placeholder in PLACEHOLDERS:
        text = re.sub(pattern, placeholder, text)
    return re.sub(r" +$", "", text, flags=re.MULTILINE)


def left_behind(mark):
    """Processes that carry the case's mark in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if mark.encode() in (entry / "environ").read_bytes() and "\nState:\tZ" not in (entry / "status").read_text():
                found.append((int(entry.name), (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")))
        except OSError:
            continue
    return found


def end(mark):
    """Ends what the case started and left; returns their command lines. A child that is just ending has a moment to do so."""
    for _ in range(20):
        left = left_behind(mark)
        if not left:
            return []
        time.sleep(0.05)
    for pid, _ in left:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    return [words for _, words in left]


def read(path, default=""):
    return path.read_text() if path.exists() else default


def compare(what, expected, seen):
    if expected == seen:
        return []
    return [f"{what} differs:"] + list(
        difflib.unified_diff(expected.splitlines(), seen.splitlines(), f"expected.{what}", "seen", lineterm="", n=2))


class Cases:
    def __init__(self, backout, accept):
        self.backout, self.accept = os.path.abspath(backout), accept

    def run(self, case):
        """('passed' | 'skipped' | 'FAILED', words)"""
        if "root" in read(case / "needs").split() and os.geteuid() != 0:
            return "skipped", ["needs root"]
        base = Path(tempfile.mkdtemp(prefix="backout-cli-"))
        while "_" in base.name:  # Markdown writes it as \\_, which is no longer the path that @DIR@ stands for
            base.rmdir()
            base = Path(tempfile.mkdtemp(prefix="backout-cli-"))
        base.chmod(0o755)
        try:
            return self.run_in(case, base)
        finally:
            shutil.rmtree(base, ignore_errors=True)

    def run_in(self, case, base):
        directory, programs = base / "case", base / "bin"
        shutil.copytree(case, directory, ignore=lambda *_: OWN)
        programs.mkdir()
        (programs / "backout").symlink_to(self.backout)
        mark = f"BACKOUT_CLI_CASE={base}"
        kept = {name: os.environ[name] for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS") if name in os.environ}
        environment = {
            **kept, "PATH": f"{programs}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(base),
            "LANG": "C.UTF-8", "TZ": "UTC", "BACKOUT_ACTOR": "tester", "CLI": str(HERE), "BACKOUT_CLI_CASE": str(base),
        }
        child = subprocess.Popen(
            ["sh", "-u", str(case / "cmd")], cwd=directory, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, errors="backslashreplace", start_new_session=True)
        faults = []
        try:
            out, err = child.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            out, err = child.communicate()
            faults.append(f"it took longer than {LIMIT} s")
        faults += [f"left behind: {words}" for words in end(mark)]
        out, err, status = normalised(out, directory), normalised(err, directory), str(child.returncode)
        if self.accept and not faults:
            for name, text in (("expected.out", out), ("expected.err", err), ("status", status + "\n" if status != "0" else "")):
                if text:
                    (case / name).write_text(text)
                else:
                    (case / name).unlink(missing_ok=True)
            return "passed", []
        expected = read(case / "status", "0").strip()
        if status != expected:
            faults.append(f"exit status {status}, expected {expected}")
        faults += compare("out", read(case / "expected.out"), out) + compare("err", read(case / "expected.err"), err)
        return ("FAILED" if faults else "passed"), faults


def main():
    signal.signal(signal.SIGINT, signal.default_int_handler)  # one that was started in the background would hand on that it is ignored
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--backout", required=True)
    options.add_argument("--parallel", type=int, default=os.cpu_count() or 2)
    options.add_argument("case", nargs="*")
    given = options.parse_args()
    if not os.access(given.backout, os.X_OK):
        print(f"{given.backout} is not there. Build it: ./dev build dev")
        return 2
    names = given.case or sorted(path.parent.name for path in HERE.glob("*/cmd"))
    cases = Cases(given.backout, bool(os.environ.get("ACCEPT")))
    count = {"passed": 0, "FAILED": 0, "skipped": 0}
    with ThreadPoolExecutor(max(1, given.parallel)) as pool:
        for name, (state, words) in zip(names, pool.map(lambda name: cases.run(HERE / name), names)):
            count[state] += 1
            print(f"{state} {name}", flush=True)
            for word in words:
                print(f"    {word}", flush=True)
    print(f"{count['passed']} passed, {count['FAILED']} failed, {count['skipped']} skipped")
    return 1 if count["FAILED"] else 0


if __name__ == "__main__":
    sys.exit(main())
