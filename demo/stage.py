"""The stage of the demo: one directory, free ports, the shop's processes, and their end.

Everything that is started here or by a child carries STAGE_MARK in its environment or works inside the directory; `clear`
ends exactly those. The directory is emptied only when it is ours (it has the marker file) or new.
"""
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

MARKER = ".backout-demo"
STAGE_MARK = "BACKOUT_DEMO_STAGE"


class StageError(Exception):
    """Why the demo cannot be played here, and what to do about it."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(url, timeout=5):
    """(status, text); status 0 when nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            return answer.status, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")
    except OSError:
        return 0, ""


def wait_until(holds, seconds, what):
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise StageError(f"{what} did not happen within {seconds} s")
        time.sleep(0.02)


class Stage:
    def __init__(self, directory, example):
        self.directory, self.example = Path(directory).resolve(), example
        self.shop = self.directory / "shop"
        self.ledger = self.directory / "ledger.jsonl"
        self.children = []
        self.take_directory()
        self.web_port, self.public_port = free_port(), free_port()
        self.public_url = f"http://127.0.0.1:{self.public_port}"
        self.environment = {
            **os.environ,
            STAGE_MARK: str(self.directory),
            "BACKOUT_TARGET": str(self.directory / "target"),
            "SHOP_ROOT": str(self.shop),
            "SHOP_PORT": str(self.web_port),
            "NO_COLOR": "1",
        }
        self.environment.pop("BACKOUT_STATE", None)

    def take_directory(self):
        marker = self.directory / MARKER
        if self.directory.exists() and any(self.directory.iterdir()) and not marker.exists():
            raise StageError(f"{self.directory} has something else in it. Give the demo an empty directory.")
        self.directory.mkdir(parents=True, exist_ok=True)
        self.lock = open(marker, "a", encoding="utf-8")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StageError(f"The demo is being played in {self.directory} already.") from None
        for item in self.directory.iterdir():
            if item.name != MARKER:
                shutil.rmtree(item) if item.is_dir() and not item.is_symlink() else item.unlink()

    def build(self):
        """The shop's directory: configuration with this stage's paths and ports, and nginx in front."""
        for name in ("run", "log", "shared"):
            (self.shop / name).mkdir(parents=True)
        for name in ("backout.yaml", "nginx.conf", "maintenance.html"):
            (self.shop / name).write_text(self.placed((self.example / name).read_text()))
        shutil.copy(self.example / "deploy.sh", self.shop)
        for package in ("v1", "v2"):
            shutil.copytree(self.example / package, self.shop / package, ignore=shutil.ignore_patterns("__pycache__"))
        (self.shop / "door.conf").touch()
        if os.geteuid() == 0:  # nginx's own user may not read a directory of root's
            conf = self.shop / "nginx.conf"
            conf.write_text("user root;\n" + conf.read_text())
        subprocess.run(["/usr/sbin/nginx", "-p", self.shop, "-c", self.shop / "nginx.conf", "-e", self.shop / "log/nginx-error.log"],
                       check=True, env=self.environment)

    def placed(self, text):
        return text.replace("/srv/shop", str(self.shop)).replace("8000", str(self.web_port)).replace("8080", str(self.public_port))

    def start(self, argv, **options):
        child = subprocess.Popen(argv, cwd=self.shop, env=self.environment, text=True, **options)
        self.children.append(child)
        return child

    def answering_version(self):
        return get(self.public_url + "/version")[1].strip()

    def release_of(self, service):
        """The release directory that a running process works in, or why there is none."""
        try:
            pid = int((self.shop / "run" / f"{service}.pid").read_text().splitlines()[0])
            return Path(os.readlink(f"/proc/{pid}/cwd")).name
        except (OSError, ValueError, IndexError) as error:
            return f"not running ({error})"

    def ours(self):
        """Processes of this stage, by what they carry or where they work; never this one."""
        mark, inside = f"{STAGE_MARK}={self.directory}".encode(), str(self.shop)
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                carries = mark in (entry / "environ").read_bytes().split(b"\0")
                works = (os.readlink(entry / "cwd") + "/").startswith(inside + "/")
                nginx = f"{inside}/nginx.conf".encode() in (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if carries or works or nginx:
                found.append(int(entry.name))
        return found

    def clear(self):
        """Ends every process of the stage. Returns how many did not end; 0 is the promise."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in self.ours():
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass
            deadline = time.monotonic() + 3
            while self.ours() and time.monotonic() < deadline:
                for child in self.children:
                    child.poll()
                time.sleep(0.05)
        return len(self.ours())
