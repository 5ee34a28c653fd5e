"""Which sections of the tests run first, and which are left out when time is short. Pure; tools/test_order_test.py."""
import subprocess

# Paths that a section is about. What changed below one of them runs before the rest; "" is everything.
ABOUT = {
    "rules": ("",),
    "unit": ("src/", "tests/conformance/", "CMakeLists.txt", "cmake/"),
    "support": ("tests/support/",),
    "manual": ("src/cli/", "src/config/", "packaging/"),
    "schema": ("src/config/", "tests/schema/"),
    "completion": ("src/cli/", "packaging/", "tests/completion/"),
    "cli": ("src/", "tests/cli/"),
    "liars": ("src/run/", "src/drivers/services/", "tests/liars/"),
    "projects": ("src/init/", "src/drivers/services/", "src/drivers/code/", "tests/projects/"),
    "postgresql": ("src/database/postgresql/", "src/schema/", "tests/postgresql/"),
    "watch": ("src/watch/", "src/decide/", "tests/watch/"),
    "step-down": ("src/database/postgresql/", "tests/postgresql/"),
    "migrators": ("src/database/postgresql/", "tests/postgresql/"),
    "code": ("src/drivers/code/", "tests/code/"),
    "ready": ("src/app/ready/", "tests/ready/"),
    "examples": ("examples/", "tests/examples/"),
    "crash-stacks": ("src/drivers/", "examples/", "tests/examples/", "tests/crash/"),
    "crash": ("src/run/", "src/journal/", "src/host/", "tests/crash/"),
    "demo": ("demo/",),
    "tsan-unit": ("src/run/", "src/journal/"),
}


def about(name):
    """`name`: of a section; those of the crash matrix share one line."""
    return ABOUT.get(name) or ABOUT.get(name.split("-")[0], ())


def touched(name, changed):
    return any(path.startswith(prefix) for path in changed for prefix in about(name))


def in_order(names, changed):
    """What changed first; otherwise as they stand."""
    return sorted(names, key=lambda name: not touched(name, changed))


def changed_files(root, since=""):
    """Of the commits since `since`; without it, of the day before the newest commit. Empty where git cannot tell."""

    def git(*words):
        done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False)
        return done.stdout.splitlines() if done.returncode == 0 else []

    if since:
        return sorted(set(git("diff", "--name-only", since)))
    newest = git("log", "-1", "--format=%ct")
    if not newest:
        return []
    return sorted({path for path in git("log", f"--since={int(newest[0]) - 86400}", "--name-only", "--format=") if path})


class Clock:
    """A whole run's minutes. `takes`: minutes by section, measured once; how fast this machine is shows as it goes."""

    def __init__(self, minutes, takes):
        self.minutes, self.takes = minutes, takes
        self.expected = self.real = 0.0

    def ran(self, name, minutes):
        if name in self.takes:
            self.expected += self.takes[name]
            self.real += minutes

    def pace(self):
        """1 or more: how many times longer than measured things take here."""
        return max(1.0, self.real / self.expected) if self.expected >= 1 else 1.0

    def fits(self, name, gone, needs=()):
        """`gone`: minutes since the beginning; `needs`: builds that it would have to wait for. An unknown section counts as one minute."""
        if not self.minutes:
            return True
        return gone + self.pace() * sum(self.takes.get(one, 1.0) for one in (name, *needs)) <= self.minutes
