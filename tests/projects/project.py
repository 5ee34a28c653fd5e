"""What all projects have in common: how they are installed, deployed and judged. Each says the rest in its project.py."""
import os
import shutil
import sqlite3
import subprocess
import time
from pathlib import Path

import machine
from customers import Nobody
from machine import sh

BACKOUT = "/opt/backout-bin/backout"
STATE = Path("/var/lib/backout")
VERIFIED = "Rolled back and verified"
LIED = Path("/run/lied")  # a line in it each time that a lie was told, by whatever user


class Failed(Exception):
    pass


class Project:
    NAME = ""              # of the site; everything of it lies in /srv/NAME
    BAD_DEPLOY_ENDS = (5,)  # 0 too where a release breaks later
    DATABASE = None        # the SQLite file, with TABLE.COLUMN that holds the customers' tokens
    TOKENS = ""
    LIAR = ""              # the tool that lies, by its name on PATH
    LIE = ""               # what stands in its place; @REAL@ is the real one, `lied` is called when it lies
    NAMES = ()             # what the reason that backout gives must have in it; "A | B": one of them

    def __init__(self, folder):
        self.folder = folder
        self.root = Path("/srv") / self.NAME
        self.customers = Nobody()
        self.environment = {**os.environ, "BACKOUT_ACTOR": "team"}

    # --- the team ------------------------------------------------------------------------------------------------------

    def install(self):
        """The machine as it is on the Monday on which the team meets backout: v1 runs, deployed by their own script."""
        sh("rm -f /etc/nginx/sites-enabled/default; git config --global init.defaultBranch main; "
           " git config --global user.name Team; git config --global user.email team@localhost; mkdir -p /srv/git", quiet=True)
        self.publish(self.NAME, self.folder)
        if (self.folder / "host").is_dir():
            sh(f"cp -a --no-preserve=ownership {self.folder}/host/. / && systemctl daemon-reload", quiet=True)
        self.prepare()
        sh(f"cd {self.root} && ./deploy.sh v1")

    def publish(self, name, folder):
        """The team's repository with a tag for each release: /srv/git/NAME.git."""
        work = Path("/tmp") / f"work-{name}"
        work.mkdir()
        sh("git init -q", cwd=work, quiet=True)
        for tag in ("v1", "v2", "v3", "v4"):
            if (folder / tag).is_dir():
                sh(f"cp -R {folder / tag}/. .", cwd=work, quiet=True)
            self.vendor(work)
            (work / "CHANGES").write_text(f"{tag}\n")
            sh(f"git add -A && git commit -qm 'Release {tag}' && git tag {tag}", cwd=work, quiet=True)
        sh(f"git clone -q --bare {work} /srv/git/{name}.git", quiet=True)

    def vendor(self, work):
        """What the repository holds that is not text."""

    def prepare(self):
        """What else was done by hand, once, before the first deploy."""

    # --- backout -------------------------------------------------------------------------------------------------------

    def run(self, *arguments):
        arguments = [str(one) for one in arguments]
        began = time.monotonic()
        done = subprocess.run([BACKOUT, *arguments], cwd=self.root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", check=False, env=self.environment,
                              timeout=300)
        machine.note(f"$ backout {' '.join(arguments)}  -> {done.returncode}, {time.monotonic() - began:.1f} s\n{done.stdout}")
        return done.returncode, done.stdout

    def backout(self, *arguments, ends=(0,)):
        status, said = self.run(*arguments)
        if status not in ends:
            raise Failed(f"backout {' '.join(arguments)}: exit status {status}, not in {ends}")
        return said

    def init(self):
        """What the team does on the Monday: init, with as few answers as there can be."""
        if (self.folder / "backout.yaml").exists():  # README.md says why
            shutil.copy(self.folder / "backout.yaml", self.root)
            return
        answers = self.folder / "answers"
        self.backout("init", "--yes", *(["--answers", str(answers)] if answers.exists() else []))

    def deploy(self, version, ends):
        self.backout("deploy", "--version", version, "--", "./deploy.sh", version, ends=ends)

    def break_later(self):
        """For a release that breaks some time after its deploy."""

    def rolls_back(self, bad):
        self.users_see_it(bad)
        said = self.backout("rollback", "--yes", "--reason", f"{bad} is broken for users")
        if VERIFIED not in said:
            raise Failed(f"ended in 0 without '{VERIFIED}'")
        self.must_be("v2")

    def users_see_it(self, bad):
        if not (seen := self.faults("v2")):
            raise Failed(f"{bad} is not broken: nothing is different from v2")
        machine.note(f"with {bad} the oracle sees: {'; '.join(seen)}")

    def mend(self, said):
        """After the lie was caught and the tool mended: what backout offers, else the same rollback again."""
        if "backout retry" in said:
            self.backout("retry")
        else:
            if "backout resume" in said:  # the tool lied while the site was put back, too
                self.backout("resume", ends=(0, 1, 5))
            self.backout("rollback", "--yes", "--reason", "the tool is mended")
        self.must_be("v2")

    # --- the lie -------------------------------------------------------------------------------------------------------

    def lie_at(self):
        return Path("/usr/local/sbin") / self.LIAR

    def tell_the_lie(self):
        real = shutil.which(self.LIAR)
        self.lie_at().write_text(f"#!/bin/sh\nlied() {{ echo lied >>{LIED}; }}\n{self.LIE.replace('@REAL@', real)}\n")
        self.lie_at().chmod(0o755)

    def end_the_lie(self):
        self.lie_at().unlink()

    # --- the oracle ----------------------------------------------------------------------------------------------------

    def must_be(self, version):
        """Everything that users and root can see is `version`, and no row is lost."""
        deadline = time.monotonic() + 5
        while (found := self.faults(version)) and time.monotonic() < deadline:
            time.sleep(0.2)
        if found:
            raise Failed("backout says that it worked, but " + "; ".join(found))
        self.customers.have_written(5)
        told = self.customers.rest()
        lost = sorted(set(told) - self.kept())
        self.customers.begin()
        if lost and self.tokens_matter():
            raise Failed(f"{len(lost)} of {len(told)} rows that customers were told are stored are lost: {', '.join(lost[:5])}")
        machine.note(f"{len(told)} rows were told to customers; all are there")

    def tokens_matter(self):
        return bool(self.DATABASE)

    def kept(self):
        """Every token that is in the database or in a file of rows that could not be carried."""
        table, column = self.TOKENS.split(".") if self.TOKENS else ("", "")
        if not self.DATABASE:
            return set()
        database = sqlite3.connect(f"file:{self.DATABASE}?mode=ro", uri=True)
        found = {row[0] for row in database.execute(f"SELECT {column} FROM {table}")}
        database.close()
        beside = "\n".join(path.read_text(errors="replace") for path in STATE.rglob("*.jsonl"))
        return found | {word for word in beside.replace('"', " ").split() if word.startswith("token-")}

    def faults(self, version):
        """What differs from a machine that is wholly `version`, as seen by users and by root."""
        raise NotImplementedError

    def page(self, url, status=200, text="", host=None):
        seen, body = machine.get(url, host=host)
        if seen != status:
            return [f"{url} answers {seen}, not {status}: {body[:80]!r}"]
        return [] if text in body else [f"{url} does not have {text!r}: {body[:80]!r}"]

    def runs_from(self, word, directory, at_least=1):
        """The processes with `word` in their command line, all of them in `directory`."""
        found = machine.processes(word)
        wrong = {pid: cwd for pid, cwd in found.items() if cwd != str(directory)}
        faults = [f"process {pid} ({word}) runs in {cwd}, not in {directory}" for pid, cwd in wrong.items()]
        return faults + ([] if len(found) >= at_least else [f"{len(found)} processes of {word}, not {at_least}"])

    def release_is(self, version):
        seen = os.readlink(self.root / "current")
        return [] if os.path.basename(seen) == version else [f"current leads to {seen}, not to {version}"]

    def checkout_is(self, version, directory):
        """HEAD is the tag's commit, and no tracked file differs from it."""
        head = sh(["git", "-C", directory, "rev-parse", "HEAD"], quiet=True).strip()
        tag = sh(["git", "-C", f"/srv/git/{self.NAME}.git", "rev-parse", f"{version}^{{commit}}"], quiet=True).strip()
        dirty = sh(["git", "-C", directory, "status", "--porcelain", "--untracked-files=no"], quiet=True).strip()
        found = [] if head == tag else [f"HEAD is {head[:8]}, not {version} ({tag[:8]})"]
        return found + ([f"changed files: {dirty}"] if dirty else [])
