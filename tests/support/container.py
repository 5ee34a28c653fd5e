"""A machine with a real systemd and a root of its own, made by systemd_host.sh; it shares this one's network."""
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).resolve().parent / "systemd_host.sh"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Container:
    """`directory`: made here, and gone with it. `binds`: of systemd-nspawn."""

    def __init__(self, directory, *binds):
        self.directory = Path(directory)
        up = subprocess.run([SCRIPT, "up", self.directory, *binds], capture_output=True, text=True, check=False)
        if up.returncode:
            raise RuntimeError(up.stderr)
        self.leader = up.stdout.strip()

    def inside(self, *argv, path=PATH, timeout=120, **environment):
        """(exit status, output); a negative status is the signal that ended it."""
        settings = [f"PATH={path}", "HOME=/root", "NO_COLOR=1", *(f"{name}={value}" for name, value in environment.items())]
        done = subprocess.run(["nsenter", "-t", self.leader, "-a", "--", "env", "-i", *settings, *map(str, argv)],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=timeout, check=False)
        return done.returncode, done.stdout + done.stderr

    def down(self):
        subprocess.run([SCRIPT, "down", self.directory], check=True, capture_output=True)
