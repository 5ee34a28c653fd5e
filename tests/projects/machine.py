"""The machine as its users and its root see it: pages, processes, commands. None of it asks backout."""
import os
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

_told = []


def note(text):
    _told.append(text.rstrip())


def told():
    """What was done and said since the last call, for who reads a failure."""
    lines = [f"  {line}" for text in _told for line in text.splitlines()]
    _told.clear()
    return lines


def sh(command, ends=(0,), quiet=False, **more):
    """A command that somebody types; its output. Raises when it does not end as it should."""
    began = time.monotonic()
    done = subprocess.run(command, shell=isinstance(command, str), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False, **more)
    if not quiet:
        words = command if isinstance(command, str) else " ".join(map(str, command))
        note(f"$ {words}  -> {done.returncode}, {time.monotonic() - began:.1f} s\n{done.stdout}")
    if ends and done.returncode not in ends:
        raise RuntimeError(f"{command}: exit status {done.returncode}, not in {ends}\n{done.stdout}")
    return done.stdout


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)


def get(url, data=None, host=None, timeout=5):
    """(status, body); status 0 when nobody answers. `data`: sent by POST."""
    body, headers = data.encode() if data is not None else None, {"Host": host} if host else {}
    request = urllib.request.Request(url, data=body, headers=headers)
    try:
        with _opener.open(request, timeout=timeout) as reply:
            return reply.status, reply.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")
    except OSError as error:
        return 0, str(error)
    except Exception as error:  # half an answer
        return 0, repr(error)


def wait(what, holds, seconds=10):
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what}: not within {seconds} s")
        time.sleep(0.05)
    return found


def processes(word):
    """pid -> working directory, of the living processes whose command line has `word`; not of the zombies."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if word in command:
                    found[int(entry.name)] = os.readlink(entry / "cwd")
            except OSError:
                continue
    return found
