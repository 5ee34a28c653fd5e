"""How many cases a section of ./dev test ran, read from what its programs wrote themselves. Nothing is estimated: a program
that says no number is one case, and one that ended badly without naming a failure is one failure more."""
import json
import re
from dataclasses import dataclass, field


@dataclass
class Count:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: list = field(default_factory=list)

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.failures += other.failures

    def fail(self, name):
        self.failed += 1
        self.failures.append(name)


def of_gtest(report, program):
    """One program's --gtest_output=json file."""
    count = Count()
    for suite in json.loads(report).get("testsuites", []):
        for case in suite["testsuite"]:
            name = f"{program}: {suite['name']}.{case['name']}"
            if case.get("failures"):
                count.fail(name)
            elif case.get("result") == "SKIPPED":
                count.skipped += 1
            elif case.get("status") == "RUN":
                count.passed += 1
    return count


SAID = re.compile(r"^(\d+) (passed|cases), (\d+) failed(?:, (\d+) skipped)?", re.MULTILINE)


def of_said(output, status, name):
    """A runner's own last words: `N passed, N failed[, N skipped]` or `N cases, N failed`."""
    said = SAID.findall(output)
    count = Count()
    if not said:
        if status == 0:
            count.passed = 1
        else:
            count.fail(f"{name}: exit status {status}")
        return count
    number, what, failed, skipped = said[-1]
    count.failed = int(failed)
    count.passed = int(number) - (count.failed if what == "cases" else 0)
    count.skipped = int(skipped or 0)
    count.failures += [f"{name}: {line[6:].strip()}" for line in output.splitlines() if line.startswith("FAILED")][: count.failed]
    if status != 0 and count.failed == 0:
        count.fail(f"{name}: exit status {status}")
    return count


def of_one(output, status, name):
    """A command that is one case."""
    count = Count()
    if status == 0:
        count.passed = 1
    else:
        count.fail(f"{name}: exit status {status}")
    return count
