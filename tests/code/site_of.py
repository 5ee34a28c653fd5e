"""A site of one git checkout for the cases: two releases of a tiny project, tagged v1 and v2, and a backout.yaml around it.

    base/origin.git    where the code comes from
    base/shop          the checkout: the running code
    base/backout.yaml  base/state  base/target
    base/built.log     a line for each time that the build began
"""
import hashlib
import os
import subprocess
from pathlib import Path
from typing import NamedTuple

IDENTITY = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in (("NAME", "a"), ("EMAIL", "a@example.org"))}


class Ended(NamedTuple):
    status: int
    output: str


class Site:
    def __init__(self, base, backout):
        self.base, self.backout = Path(base), os.path.abspath(backout)
        self.shop = self.base / "shop"
        self.base.mkdir(parents=True)
        self.environment = {**{name: value for name, value in os.environ.items() if not name.startswith(("BACKOUT_", "GIT_", "BUNDLE_"))},
                            "HOME": str(self.base), "BACKOUT_TARGET": str(self.base / "target"), "BACKOUT_ACTOR": "tester", **IDENTITY}

    # --- setting up ---------------------------------------------------------------------------------------------------

    def sh(self, script, cwd=None):
        """A shell line that must work; what it said."""
        done = subprocess.run(["sh", "-euc", script], cwd=cwd or self.base, env=self.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=120, check=False)
        if done.returncode:
            raise RuntimeError(f"{script}\nexit status {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout.strip()

    def repository(self, write):
        """`write(version)` puts the files of "1" and "2" into base/work, the working copy of its developers."""
        self.sh("git init -q -b main work")
        for version in "12":
            write(version)
            (self.base / "work" / "VERSION").write_text(f"v{version}\n")
            self.sh(f"git add -A; git commit -q -m 'release {version}'; git tag v{version}", self.base / "work")
        self.sh("git clone -q --bare work origin.git; git clone -q origin.git shop; git -C shop checkout -q v1")

    def configure(self, code, checks, more=""):
        (self.base / "backout.yaml").write_text(f"""\
site: shop
state: {self.base}/state
jobs: 1
hosts: {{local: {{root: {self.base}/target}}}}
{code}
checks:
{checks}
watch: {{first: 0s}}
{more}
""")

    # --- acting -------------------------------------------------------------------------------------------------------

    def run(self, *arguments):
        done = subprocess.run([self.backout, *arguments], cwd=self.base, env=self.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=180, check=False)
        return Ended(done.returncode, done.stdout + done.stderr)

    def must(self, *arguments, expected=0):
        ended = self.run(*arguments)
        if ended.status != expected:
            raise RuntimeError(f"backout {' '.join(arguments)}: exit status {ended.status}, expected {expected}\n{ended.output}")
        return ended.output

    def rollback(self, *more):
        return self.run("rollback", "--reason", "it is broken", "--yes", *more)

    # --- looking ------------------------------------------------------------------------------------------------------

    def built(self):
        log = self.base / "built.log"
        return len(log.read_text().splitlines()) if log.exists() else 0

    def fingerprint(self, *directories):
        """Names, inodes, modes and contents: the same only when everything is the very same."""
        digest = hashlib.sha256()
        for directory in directories:
            for path in sorted([directory, *Path(directory).rglob("*")]):
                if "__pycache__" in path.parts:
                    continue
                status = path.lstat()
                digest.update(f"{path} {status.st_mode} {status.st_ino}\n".encode())
                if path.is_symlink():
                    digest.update(os.readlink(path).encode())
                elif path.is_file():
                    digest.update(path.read_bytes())
        return digest.hexdigest()


def expect(condition, why):
    """A fault as a list of lines, or none."""
    return [] if condition else [why]


def expect_words(ended, *words):
    return [f"does not say '{word}':\n{ended.output}" for word in words if word not in ended.output]
