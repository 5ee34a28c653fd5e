#!/usr/bin/python3
"""Runs the tests, section by section, and counts them: ./dev test [SECTION...].

A section that fails does not hide the others. What each said is in build/test-logs/<section>.log. The closing line is
`N passed, N failed`; the exit status is 0 only when nothing failed. A section's name also chooses those it begins:
`crash` runs `crash-local`, `crash-ssh` and so on.
"""
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
import counting  # noqa: E402
import test_order  # noqa: E402
from counting import Count  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "test-logs"
PYTHON = "/usr/bin/python3"


def processor_seconds():
    """Of every command that was run, without the daemons that left their parents."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Runner:
    def __init__(self, clock):
        self.clock = clock
        self.rows = []
        self.built = {}

    # --- running ------------------------------------------------------------------------------------------------------

    def command(self, argv, log, environment=None, limit=1800):
        """Runs argv, its words into the log file. Returns (status, output); a command over its limit is ended, with its group."""
        with open(log, "ab") as out:
            out.write(f"$ {' '.join(map(str, argv))}\n".encode())
            out.flush()
            start = out.tell()
            child = subprocess.Popen(
                [str(word) for word in argv], cwd=ROOT, env={**os.environ, **(environment or {})}, stdin=subprocess.DEVNULL,
                stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
            try:
                status = child.wait(limit)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
                status = 124
                out.write(f"ended: it took longer than {limit} s\n".encode())
            except BaseException:
                os.killpg(child.pid, signal.SIGTERM)
                child.wait()
                raise
        with open(log, "rb") as text:
            text.seek(start)
            return status, text.read().decode(errors="replace")

    def section(self, name, run):
        log = LOGS / f"{name}.log"
        log.write_bytes(b"")
        print(f"{name:<24}", end="", flush=True)
        began, busy = time.monotonic(), processor_seconds()
        try:
            count = run(log)
        except Exception as error:  # a broken runner is a failed section, not the end of the others
            count = Count()
            count.fail(f"{name}: {error!r}")
        took = time.monotonic() - began
        self.clock.ran(name, took / 60)
        skipped = f", {count.skipped} skipped" if count.skipped else ""
        print(f"{took:7.1f} s {processor_seconds() - busy:6.0f} cpu-s   {count.passed} passed, {count.failed} failed{skipped}", flush=True)
        if count.failed:
            for failure in count.failures[:20]:
                print(f"    FAILED {failure}")
            lines = log.read_text(errors="replace").splitlines()
            print("\n".join(f"    | {line}" for line in lines[-15:]))
            print(f"    all of it: {log.relative_to(ROOT)}", flush=True)
        self.rows.append((name, took, count))
        return count

    # --- kinds of section ---------------------------------------------------------------------------------------------

    def build(self, preset, targets=()):
        """Each build is a section of its own, made when the first section needs it. -k 0: one broken file hides no other."""
        key = (preset, tuple(targets))
        if key in self.built:
            return self.built[key]

        def run(log):
            status = 0
            if not (ROOT / "build" / preset / "build.ninja").exists():
                # A new tree is built whole, so several files at once; the release as its users build it.
                together = [] if preset == "release" else ["-DCMAKE_UNITY_BUILD=ON"]
                status, _ = self.command(["cmake", "--preset", preset, *together], log)
            if status == 0:
                argv = ["cmake", "--build", f"build/{preset}"]
                if os.environ.get("BACKOUT_JOBS"):
                    argv += ["-j", os.environ["BACKOUT_JOBS"]]
                argv += ["--target", *targets] if targets else []
                status, _ = self.command([*argv, "--", "-k", "0"], log, limit=3600)
            return counting.of_one("", status, f"build {preset}")

        self.built[key] = self.section(f"build-{preset}", run).failed == 0
        return self.built[key]

    def ctest(self, preset, log, choice, environment=None):
        """Runs a choice of ctest's tests; GoogleTest programs are counted by case, others by what they say."""
        reports = LOGS / f"{log.stem}.d"
        shutil.rmtree(reports, ignore_errors=True)
        reports.mkdir()
        junit = reports / "ctest.xml"
        jobs = os.environ.get("BACKOUT_JOBS", str((os.cpu_count() or 2) + 1))  # they wait for servers half of their time
        environment = {**(environment or {}), "GTEST_OUTPUT": f"json:{reports}/"}
        _, output = self.command(
            ["ctest", "--test-dir", f"build/{preset}", "--output-on-failure", "-j", jobs, "--output-junit", junit, *choice],
            log, environment, limit=3600)
        count = Count()
        for name, state in re.findall(r"^ *\d+/\d+ Test +#\d+: (\S+) \.+ *(?:\*\*\*)?(.*?) +[\d.]+ sec", output, re.MULTILINE):
            report = reports / f"test_{name.removeprefix('unit_')}.json"
            if report.exists():
                one = counting.of_gtest(report.read_text(), name)
                if state != "Passed" and not one.failed:
                    one.fail(f"{name}: {state}")
            else:
                one = Count(passed=1) if state == "Passed" else Count(failed=1, failures=[f"{name}: {state}"])
            count.add(one)
        if not count.passed and not count.failed:
            count.fail(f"{log.stem}: ctest ran nothing")
        return count

    def said(self, log, argv, name, environment=None, limit=1800):
        status, output = self.command(argv, log, environment, limit)
        return counting.of_said(output, status, name)


# --- the sections, in the order they run ------------------------------------------------------------------------------


def rules(runner, log):
    """What holds for the tree as it lies: arrows, sizes, layout, packages, scripts, links. One case each."""
    count = Count()
    tree = [path for folder in ("src", "tests", "bench", "demo", "examples", "tools", "packaging") for path in sorted((ROOT / folder).rglob("*"))
            if path.is_file()]
    sources = [path.relative_to(ROOT) for path in tree if path.suffix in (".cc", ".h")]
    scripts = [path.relative_to(ROOT) for path in tree if path.read_bytes().startswith(b"#!/bin/sh")]
    for name, argv in [
        ("arrows between folders", [PYTHON, "tools/check_layers.py"]),
        ("the arrow check finds a wrong arrow", [PYTHON, "tools/check_layers.py", "--self-test"]),
        ("sizes of files", [PYTHON, "tools/check_sizes.py"]),
        ("the size check finds a large file", [PYTHON, "tools/check_sizes.py", "--self-test"]),
        ("packages are the README's", [PYTHON, "tools/check_packages.py"]),
        ("links of the documentation", [PYTHON, "tools/check_links.py"]),
        ("what is covered, and by which tests", [PYTHON, "tools/check_coverage.py"]),
        ("the coverage check finds a test that is not there", [PYTHON, "tools/check_coverage.py", "--self-test"]),
        ("clang-format", ["clang-format-14", "--dry-run", "-Werror", *sources]),
        ("shellcheck of ./dev", ["shellcheck", "dev", ".ci/run"]),
        ("shellcheck", ["shellcheck", "--severity=warning", *scripts]),
        ("what changed runs first", [PYTHON, "tools/test_order_test.py"]),
        ("./dev asks apt for what is missing", ["sh", "tools/dev_test.sh"]),
    ]:
        status, output = runner.command(argv, log)
        count.add(counting.of_said(output, status, name))
    return count


def manual(runner, log):
    """The committed pages and completions are what the program says of itself."""
    return runner.said(log, [PYTHON, "tools/make_man.py", "--check", "build/dev/backout"], "man page")


def schema(runner, log):
    """The JSON Schema and the program agree."""
    return runner.said(log, [PYTHON, "tests/schema/run.py", "--backout", "build/dev/backout"], "schema")


def completion(runner, log):
    return runner.said(log, [PYTHON, "tests/completion/run.py", "--backout", "build/dev/backout"], "completion")


def unit(preset, environment=None):
    return lambda runner, log: runner.ctest(preset, log, ["-L", "^unit$"], environment)


def other(runner, log):
    return runner.ctest("dev", log, ["-LE", "^(unit|crash)$"])


def cli(preset, environment=None):
    return lambda runner, log: runner.said(log, [PYTHON, "tests/cli/run.py", "--backout", f"build/{preset}/backout"], "cli", environment)


def liars(runner, log):
    return runner.said(log, [PYTHON, "tests/liars/run.py", "--backout", "build/dev/backout"], "liars")


def projects(runner, log):
    return runner.said(log, [PYTHON, "tests/projects/run.py", "--backout", "build/dev/backout"], "projects")


def postgresql(runner, log):
    return runner.said(log, [PYTHON, "tests/postgresql/run.py", "--backout", "build/dev/backout"], "postgresql")


def step_down(runner, log):
    return runner.said(log, [PYTHON, "tests/postgresql/step_down.py", "--backout", "build/dev/backout"], "step down")


def watch(runner, log):
    return runner.said(log, [PYTHON, "tests/watch/run.py", "--backout", "build/dev/backout"], "watch")


def migrators(runner, log):
    return runner.said(log, [PYTHON, "tests/postgresql/migrators.py", "--backout", "build/dev/backout"], "migrators")


def code(runner, log):
    return runner.said(log, [PYTHON, "tests/code/run.py", "--backout", "build/dev/backout"], "code")


def ready(runner, log):
    return runner.said(log, [PYTHON, "tests/ready/run.py", "--backout", "build/dev/backout"], "ready")


def examples(runner, log):
    return runner.said(log, [PYTHON, "tests/examples/run.py", "--backout", "build/dev/backout"], "examples")


def crash(test):
    def run(runner, log):
        environment = dict(pair.split("=", 1) for pair in properties(test).get("ENVIRONMENT", []))
        return runner.said(log, test["command"], test["name"], environment, int(properties(test).get("TIMEOUT", 1800)))

    return run


def properties(test):
    return {one["name"]: one["value"] for one in test.get("properties", [])}


def crash_tests():
    """The crash tests are described once, in tests/CMakeLists.txt; ctest says them back."""
    listed = subprocess.run(
        ["ctest", "--test-dir", "build/dev", "-L", "^crash$", "--show-only=json-v1"], cwd=ROOT, capture_output=True, text=True,
        check=False)
    try:
        tests = json.loads(listed.stdout)["tests"]
    except (ValueError, KeyError):
        return []
    return [test for test in tests if test.get("command")]


def demo(runner, log):
    environment = {"BACKOUT": "build/release/backout", "DEMO_SEED": "7"}
    return runner.said(log, [PYTHON, "demo/demo.py", "build/test-demo"], "demo", environment, 900)


ASAN = {"ASAN_OPTIONS": "abort_on_error=1:detect_stack_use_after_return=1:verify_asan_link_order=0", "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"}
# Under the sanitizers what other programs do for most of the time is left to `unit`: supervisord, PM2, pip, npm, systemd, git.
ASAN_UNIT = {**ASAN, "BACKOUT_CASES": "30", "BACKOUT_RANDOM_CASES": "50",
             "GTEST_FILTER": "-SupervisorTest.*:Pm2Test.*:KeptBuilds.*:SystemdTest.*:TimerTest.*:DeployTimer.*:*/standalone:Branch/EveryWay.*:RescueCrash.Memory*"}
TSAN = {"TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1"}
TSAN_TARGETS = ("test_run", "test_journal")

# A whole run takes at most so many minutes on two cores: what does not fit any more is left out, and said. Sections that are asked
# for by name are never left out, and BACKOUT_TEST_MINUTES=0 leaves out nothing.
MINUTES = float(os.environ.get("BACKOUT_TEST_MINUTES", "57"))
# Minutes, measured on two cores of an AMD EPYC; a slower machine is noticed as it goes.
TAKES = {
    "build-dev": 5, "build-release": 5, "build-tsan": 2.5, "build-asan": 9,
    "rules": 0.1, "unit": 9, "support": 0.1, "manual": 0.1, "schema": 0.1, "completion": 0.1, "cli": 1, "liars": 0.6, "projects": 2, "postgresql": 4.8,
    "watch": 2.2, "examples": 6, "step-down": 1, "migrators": 1.1, "code": 2.1, "ready": 1.9,
    "crash-local": 3, "crash-abort": 1, "crash-ssh": 3, "crash-four-at-once": 1, "crash-ssh-four-at-once": 0.5, "crash-twice": 1.5, "crash-in-place": 1,
    "crash-in-place-anew": 0.4, "crash-supervisor": 1.2, "crash-pm2": 1.3, "crash-power": 3, "crash-named": 1.5, "crash-stacks": 2.2, "crash-slow-stacks": 1.7,
    "crash-without-intent": 0.5, "crash-without-fsync": 0.2,
    "demo": 1, "tsan-unit": 1.5, "asan-unit": 8, "asan-cli": 3,
}

# name, what, (preset, targets) it needs, how
SECTIONS = [
    ("rules", "arrows, sizes, layout, packages, scripts, links", None, rules),
    ("unit", "unit and conformance tests", ("dev", ()), unit("dev")),
    ("support", "the tests' own tools", ("dev", ()), other),
    ("manual", "man pages and completions are the program's own words", ("dev", ()), manual),
    ("schema", "the schema for editors agrees with lint", ("dev", ()), schema),
    ("completion", "completion in real shells", ("dev", ()), completion),
    ("cli", "the command line, case by case", ("dev", ()), cli("dev")),
    ("liars", "each liar alone is caught, and without it the same run ends in 0", ("dev", ()), liars),
    ("projects", "ten small real projects taken back, each also with one lying tool", ("dev", ()), projects),
    ("postgresql", "real shops (Django, Rails, Knex) on a real PostgreSQL, taken back and forward while customers order", ("dev", ()), postgresql),
    ("watch", "a fresh release before real customers: judged by its log, counters and alerts, and taken back", ("dev", ()), watch),
    ("step-down", "a release's migrations undone by Django itself, under load", ("dev", ()), step_down),
    ("migrators", "migrations undone by Rails, Knex, Prisma, Alembic, pairs of files and a tool of one's own", ("dev", ()), migrators),
    ("code", "code brought back by the real git, pip, poetry, npm and bundler", ("dev", ()), code),
    ("ready", "each thing taken away turns ready red and is named", ("dev", ()), ready),
    ("examples", "each stack of examples/, from a good release over a bad one and back", ("dev", ()), examples),
    ("crash", "killed everywhere: tests/crash/README.md", ("dev", ()), None),
    ("demo", "the demo, once, with a fixed seed", ("release", ("backout",)), demo),
    ("tsan-unit", "run and journal under ThreadSanitizer", ("tsan", TSAN_TARGETS),
     lambda runner, log: runner.ctest("tsan", log, ["-R", "^unit_(run|journal)$"], TSAN)),
    ("asan-unit", "unit tests under AddressSanitizer and UBSan", ("asan", ()), unit("asan", ASAN_UNIT)),
    ("asan-cli", "the command line under AddressSanitizer and UBSan", ("asan", ()), cli("asan", {"ASAN_OPTIONS": "verify_asan_link_order=0"})),
]


def wanted(name, chosen):
    return not chosen or any(name == one or name.startswith(one + "-") for one in chosen)


def sections(runner, chosen):
    """(name, what it needs, how) of what is wanted. The crash tests are known once they are built."""
    for name, _, needs, how in SECTIONS:
        if name != "crash":
            if wanted(name, chosen):
                yield name, needs, how
        elif not chosen or any(one == name or one.startswith("crash-") for one in chosen):
            runner.build(*needs)
            tests = crash_tests()
            if not tests:
                yield "crash", needs, lambda _, log: Count(failed=1, failures=["crash: ctest knows no crash test"])
            for test in tests:
                title = test["name"].replace(".", "-")
                if wanted(title, chosen):
                    yield title, needs, crash(test)


def main(arguments):
    if "--list" in arguments or "--help" in arguments:
        for name, what, _, _ in SECTIONS:
            print(f"{name:<12} {what}")
        return 0
    unknown = [one for one in arguments if not any(one == name or one.startswith(name + "-") or name.startswith(one + "-")
                                                   for name, _, _, _ in SECTIONS)]
    if unknown:
        print(f"./dev test: there is no section '{unknown[0]}'. See ./dev test --list", file=sys.stderr)
        return 2
    LOGS.mkdir(parents=True, exist_ok=True)
    clock = test_order.Clock(0 if arguments else MINUTES, TAKES)
    runner = Runner(clock)
    began = time.monotonic()
    started = float(os.environ.get("BACKOUT_TEST_STARTED") or time.time())  # by ./dev, before it installs packages
    left_out = []
    found = {name: (needs, how) for name, needs, how in sections(runner, arguments)}
    changed = [] if arguments else test_order.changed_files(ROOT, os.environ.get("BACKOUT_TEST_SINCE", ""))
    for name in test_order.in_order(list(found), changed):
        needs, how = found[name]
        gone = (time.time() - started) / 60
        builds = [f"build-{needs[0]}"] if needs and (needs[0], tuple(needs[1])) not in runner.built else []
        if not clock.fits(name, gone, builds):
            left_out.append(name)
            print(f"{name:<24}left out: {gone:.0f} of {MINUTES:.0f} minutes are gone", flush=True)
            continue
        if needs:
            runner.build(*needs)  # a failed build is a failed section; what was built is tested all the same
        runner.section(name, lambda log, how=how: how(runner, log))
    total = Count()
    for _, _, count in runner.rows:
        total.add(count)
    print(f"\n{time.monotonic() - began:.0f} s in all" + (f", {total.skipped} skipped" if total.skipped else ""))
    for failure in total.failures:
        print(f"FAILED {failure}")
    if left_out:
        print(f"left out for time: {', '.join(left_out)}. They run by ./dev test {' '.join(left_out)}")
    print(f"{total.passed} passed, {total.failed} failed")
    return 1 if total.failed else 0


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main(sys.argv[1:]))
