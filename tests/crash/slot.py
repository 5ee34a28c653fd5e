"""A slot: one directory, one port, one tiny site that is put back to how it was in a few milliseconds, again and again.

Everything that a journal may name (paths, port) is fixed for the life of the slot, so a copy of the directory is a snapshot.
Only the trace lies outside of it: it tells what ran, however often the site is put back.

    base/root/site       the site: its code (layouts.py), data.db, settings, door, cache
    base/root/state      the journal
    base/root/target     what the attempt shim keeps
    base/snapshots/...   copies of root
    base/trace           start and end of every command of the site
    base/trace.attempts  every command that the shim started, seen by a setsid of ours in base/bin (BACKOUT_SETSID)
"""
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import NamedTuple

sys.path.append(str(Path(__file__).resolve().parent.parent / "support"))
import keepers  # noqa: E402
import layouts  # noqa: E402
import processes  # noqa: E402
from ports import free_port  # noqa: E402

TEMPLATES = Path(__file__).resolve().parent / "site"
PATIENCE = 180  # seconds that any one command of backout may take


class Ended(NamedTuple):
    status: int  # negative: the signal
    output: str

    @property
    def killed(self):
        return self.status == -signal.SIGKILL


class Slot:
    def __init__(self, base, backout, jobs=1, ssh=None, warm_phase="switch", command_timeout="20s", layout=layouts.RELEASES,
                 keeper=keepers.PROCESS):
        self.layout, self.keeper = layout, keeper
        self.base, self.backout, self.ssh = Path(base).resolve(), os.path.abspath(backout), ssh
        self.root, self.trace = self.base / "root", self.base / "trace"
        self.site = self.root / "site"
        self.port = free_port()
        self.keep = set(ssh.pids) if ssh else set()  # processes that outlive a case
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("BACKOUT_")},
            processes.MARK: str(self.base),
            "BACKOUT_TARGET": str(self.root / "target"),
            "BACKOUT_ACTOR": "matrix",
            "BACKOUT_SETSID": str(self.base / "bin" / "setsid"),
        }
        if ssh:
            self.environment["BACKOUT_SSH"] = ssh.command
        hosts = f"hosts: {{far: {{ssh: {ssh.destination}, url: 'http://127.0.0.1:{self.port}', root: '{self.root}/far'}}}}" if ssh else ""
        self.words = {"ROOT": self.root, "SITE": self.site, "TRACE": self.trace, "PORT": self.port, "JOBS": jobs, "HOSTS": hosts,
                      "WARM": warm_phase, "TIMEOUT": command_timeout, **layout.words(self.site)}
        self.words.update({name: self.filled(text) for name, text in keeper.words(self.base).items()})
        self.command = [self.backout]
        self.children = []
        self.more = {}  # environment of the next commands: kill points, sabotage, the forgetful layer

    def template(self, name):
        return TEMPLATES / name

    def fill(self, name):
        return self.filled(self.template(name).read_text())

    def filled(self, text):
        for word, value in self.words.items():
            text = text.replace(f"@{word}@", str(value))
        return text

    def build(self):
        """A site on which nothing was ever deployed."""
        self.site.mkdir(parents=True, exist_ok=True)
        self.layout.build(self.site, self.write_release)
        for name in ("act.sh", "deploy.sh", "backout.yaml"):
            (self.site / name).write_text(self.fill(name))
        (self.site / "door").write_text("open\n")
        self.keeper.begin(self)
        (self.base / "bin").mkdir()
        (self.base / "bin" / "setsid").write_text(self.fill("setsid"))
        (self.base / "bin" / "setsid").chmod(0o755)
        self.clear_trace()

    @staticmethod
    def write_release(version, directory):
        (directory / "VERSION").write_text(version)
        (directory / "COLUMNS").write_text({"v1": "id, customer, note", "v2": "id, customer, channel"}[version])
        shutil.copy(TEMPLATES / "server.py", directory)
        shutil.copy(TEMPLATES / f"migrate_{version}.py", directory / "migrate.py")

    def deploy_by_hand(self, version):
        subprocess.run(["sh", self.site / "deploy.sh", version], check=True, env=self.environment)

    # --- putting back -------------------------------------------------------------------------------------------------

    def snapshot(self, name):
        """Keeps everything under root. The service is stopped for it, and left stopped."""
        self.end_everything()
        copy = self.base / "snapshots" / name
        copy.parent.mkdir(exist_ok=True)
        subprocess.run(["cp", "-a", self.root, copy], check=True)

    def restore(self, name):
        """Root as it was, the trace empty, the service of that time running."""
        self.end_everything()
        if self.root.exists():
            self.empty_root()
        subprocess.run(["cp", "-a", f"{self.base / 'snapshots' / name}/.", self.root], check=True)
        self.clear_trace()
        self.more = {}
        self.start_service()

    def empty_root(self):
        subprocess.run(["find", self.root, "-mindepth", "1", "-delete"], check=True)

    def end_everything(self):
        processes.end_all(self.base, self.keep)
        for child in self.children:
            child.poll()
        self.children.clear()

    def start_service(self):
        """The service of the live release, as its keeper has it after a boot."""
        self.keeper.begin(self)
        self.keeper.start(self)
        self.wait_until_it_serves(lambda: any(child.poll() is not None for child in self.children))

    def start_child(self, argv, directory, log, **more):
        with open(log, "a", encoding="utf-8") as out:
            child = subprocess.Popen(argv, cwd=directory, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
                                     env={**self.environment, **more})
        self.children.append(child)
        return child

    def wait_until_it_serves(self, ended=lambda: False, port=None):
        deadline = time.monotonic() + 10
        while self.answer("/version", port)[0] != 200:
            if time.monotonic() > deadline or ended():
                raise RuntimeError(f"the service did not start: {self.text('web.log')}")
            time.sleep(0.005)

    def clear_trace(self):
        for name in ("trace", "trace.attempts", "trace.overlaps"):
            (self.base / name).write_text("")

    # --- acting -------------------------------------------------------------------------------------------------------

    def run(self, *arguments, **more):
        """Runs backout to its end; `more` is environment for this one time."""
        child = self.start(*arguments, **more)
        try:
            output = child.communicate(timeout=PATIENCE)[0]
        except subprocess.TimeoutExpired:
            living = "\n".join(f"{pid} {processes.command_of(pid)[:200]}" for pid in processes.of(self.base))
            child.kill()
            output = child.communicate()[0]
            raise RuntimeError(f"backout {' '.join(arguments)} did not end within {PATIENCE} s:\n{output}\nliving:\n{living}") from None
        return Ended(child.returncode, output)

    def start(self, *arguments, **more):
        output = tempfile.TemporaryFile()
        child = subprocess.Popen([*self.command, *arguments], cwd=self.site, stdin=subprocess.DEVNULL, stdout=output,
                                 stderr=subprocess.STDOUT, env={**self.environment, **self.more, **more})
        # Children of a killed backout keep a pipe open; a file does not make anybody wait.
        def communicate(timeout=None):
            child.wait(timeout)
            output.seek(0)
            text = output.read().decode(errors="replace")
            output.close()
            return text, None
        child.communicate = communicate
        return child

    def must(self, *arguments, expected=(0,)):
        ended = self.run(*arguments)
        if ended.status not in expected:
            raise RuntimeError(f"backout {' '.join(arguments)}: exit status {ended.status}, expected {expected}\n{ended.output}")
        return ended.output

    # --- looking ------------------------------------------------------------------------------------------------------

    def answer(self, path, port=None):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port or self.port}{path}", timeout=5) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def events(self):
        """The journal by its own export, oldest first: {type, seq, run, ..., body}. The last line only counts."""
        lines = [json.loads(line) for line in self.must("journal", "export").splitlines() if line.startswith("{")]
        return [{**line["header"], "body": line["body"]} for line in lines if "header" in line]

    def rows(self):
        """Every table as sorted rows, with the columns' names; and the next free order number."""
        db = sqlite3.connect(f"file:{self.site / 'data.db'}?mode=ro", uri=True)
        try:
            content = {}
            for table in ("migrations", "orders", "lines"):
                cursor = db.execute(f"SELECT * FROM {table}")
                names = [column[0] for column in cursor.description]
                content[table] = sorted(tuple(zip(names, row)) for row in cursor)
            content["next"] = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'orders'").fetchone()
            content["broken"] = db.execute("PRAGMA foreign_key_check").fetchall() + \
                [row for row in db.execute("PRAGMA integrity_check") if row != ("ok",)]
            return content
        finally:
            db.close()

    def write(self, statements):
        db = sqlite3.connect(self.site / "data.db", isolation_level=None)
        db.execute("PRAGMA foreign_keys = ON")
        for statement in statements:
            db.execute(statement)
        db.close()

    def text(self, name):
        path = self.site / name
        return path.read_text().strip() if path.exists() else ""

    def servers(self):
        """Working directories of the living servers, by process id."""
        found = {}
        for pid in processes.of(self.base):
            if re.search(r"-ISB (\S*/)?server\.py$", processes.command_of(pid)):
                try:
                    found[pid] = Path(os.readlink(f"/proc/{pid}/cwd")).name
                except OSError:
                    continue
        return found
