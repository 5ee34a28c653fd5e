"""The processes of a test: those that carry its mark or name its directory. Found and ended by id, never by a broad name."""
import os
import signal
import time
from pathlib import Path

MARK = "BACKOUT_CRASH_SLOT"


def of(directory):
    """Ids of living processes that belong to `directory`: by environment, working directory or command line; never this one."""
    mark, name = f"{MARK}={directory}".encode(), os.fsencode(str(directory))
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            command = Path("/proc", entry, "cmdline").read_bytes()
            if not command:
                continue
            carries = mark in Path("/proc", entry, "environ").read_bytes().split(b"\0")
            works = os.fsencode(os.readlink(f"/proc/{entry}/cwd")).startswith(name + b"/")
        except OSError:
            continue
        if carries or works or name + b"/" in command:
            found.append(int(entry))
    return found


def command_of(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def end_all(directory, keep=()):
    """SIGKILL for all of them, until none is left. `keep`: ids that stay."""
    deadline = time.monotonic() + 10
    while left := [pid for pid in of(directory) if pid not in keep]:
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if time.monotonic() > deadline:
            raise RuntimeError(f"processes do not end: {[(pid, command_of(pid)) for pid in left]}")
        time.sleep(0.005)


def wait_for_none(directory, seconds, keep=()):
    """True when all of them ended by themselves."""
    deadline = time.monotonic() + seconds
    while [pid for pid in of(directory) if pid not in keep]:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
