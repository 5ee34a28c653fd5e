"""Where an example is played: a temporary directory, the program, and what was said there."""
import importlib.util
import os
import shutil
import subprocess
import tempfile
import threading
import time
import traceback
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Wrong(Exception):
    """Something is not as it should be."""


def lacking(needs):
    """The first of `needs` that is not here: a command, `python:MODULE`, `ruby:LIBRARY`, or `root`."""
    for need in needs:
        kind, _, name = need.partition(":")
        if need == "root":
            found = os.geteuid() == 0
        elif kind == "python" and name:
            found = subprocess.run(["/usr/bin/python3", "-c", f"import {name}"], capture_output=True, check=False).returncode == 0
        elif kind == "ruby" and name:
            found = subprocess.run(["/usr/bin/ruby", "-e", f"require '{name}'"], capture_output=True, check=False).returncode == 0
        else:
            found = shutil.which(need, path=PATH) is not None
        if not found:
            return need
    return ""


def expect(holds, words):
    if not holds:
        raise Wrong(words)


class Place:
    """`site`: where the example is copied to; `example`: the folder in the repository; `environment`: of every command."""

    def __init__(self, name, backout, site=None):
        """`site`: on a machine of its own, where everything is in its own place; else a temporary directory is made."""
        self.name, self.backout_program = name, backout
        self.example = ROOT / "examples" / name
        self.directory = Path(site or tempfile.mkdtemp(prefix=f"backout-example-{name}-"))
        self.directory.chmod(0o755)
        self.site = self.directory if site else self.directory / "site"
        self.environment = {**os.environ, "NO_COLOR": "1", "BACKOUT_ACTOR": "team", "PATH": f"{os.path.dirname(backout)}:{PATH}"}
        if not site:
            self.environment |= {"BACKOUT_STATE": str(self.directory / "state"), "BACKOUT_TARGET": str(self.directory / "target")}
        self._told, self._at_end = [], []

    def copy(self, replaced=None):
        """The example's folder to `site`; in its text files each key of `replaced` (paths, ports) becomes the value."""
        shutil.copytree(self.example, self.site, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
        for path in self.site.rglob("*"):
            if path.is_file() and not path.is_symlink():
                try:
                    text = before = path.read_text()
                except UnicodeDecodeError:
                    continue
                for old, new in (replaced or {}).items():
                    text = text.replace(old, str(new))
                if text != before:
                    path.write_text(text)
        return self.site

    def repository(self, path, folder, tags):
        """A bare git repository, with a tag for each release: the directory FOLDER/TAG, laid over the ones before it."""
        work = self.directory / f"work-{Path(path).name}"
        work.mkdir()
        git = f"git -c user.name=Team -c user.email=team@example.com -C {work}"
        self.sh(f"git init -q -b main {work}", quiet=True)
        for tag in tags:
            # Not with their times: git would take a file of the same size and time for the same.
            shutil.copytree(Path(folder) / tag, work, dirs_exist_ok=True, symlinks=True, copy_function=shutil.copy)
            self.sh(f"{git} add -A && {git} commit -qm 'Release {tag}' && {git} tag {tag}", quiet=True)
        self.sh(f"git clone -q --bare {work} {path}", quiet=True)
        shutil.rmtree(work)

    # --- commands ------------------------------------------------------------------------------------------------------

    def note(self, text):
        self._told.append(text.rstrip())

    def told(self):
        """What was done and said, for who reads a failure."""
        return list(self._told)

    def sh(self, command, ends=(0,), quiet=False, timeout=300, **more):
        """A command that somebody types (a text: for sh; a list: argv); its output. Raises unless it ends as it should."""
        began = time.monotonic()
        more = {"cwd": self.site if self.site.exists() else self.directory, "env": self.environment, **more}
        done = subprocess.run(command, shell=isinstance(command, str), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", check=False, timeout=timeout, **more)
        words = command if isinstance(command, str) else " ".join(map(str, command))
        if not quiet or done.returncode not in ends:
            self.note(f"$ {words}  -> {done.returncode}, {time.monotonic() - began:.1f} s\n{done.stdout}")
        if done.returncode not in ends:
            raise Wrong(f"{words}: exit status {done.returncode}, not in {ends}")
        return done.stdout

    def backout(self, *arguments, ends=(0,), **more):
        """`backout ARGUMENTS` in the site's directory; its output."""
        return self.sh([self.backout_program, *map(str, arguments)], ends, **more)

    def rolls_back(self, *arguments, reason, site="."):
        """The rollback ends in 0, and says that it is verified; its output."""
        said = self.backout("-C", site, "rollback", "--yes", "--reason", reason, *arguments)
        expect("Rolled back and verified" in said, "ended in 0 without 'Rolled back and verified'")
        return said

    def deploys_badly(self, version, meanwhile, *command, ends=(5,)):
        """`backout deploy` of a release that is good when it comes out; `meanwhile` is done while it is watched. Its output."""
        words, said = ["deploy", "--version", version, "--", *command], []
        deploy = threading.Thread(target=lambda: said.append(self.backout(*words, ends=ends)))
        deploy.start()
        try:
            meanwhile()
        finally:
            deploy.join()
        expect(said, f"the deploy of {version} did not end in {ends}")
        expect("FAILED" not in said[0], f"{version} was not good when it came out")
        return said[0]

    # --- looking -------------------------------------------------------------------------------------------------------

    def get(self, url, data=None, headers=None, timeout=5):
        """(status, body), as a user sees it; status 0 when nobody answers."""
        body = data.encode() if isinstance(data, str) else data
        try:
            with _opener.open(urllib.request.Request(url, data=body, headers=headers or {}), timeout=timeout) as reply:
                return reply.status, reply.read().decode(errors="replace")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")
        except Exception as error:  # nobody there, or half an answer
            return 0, repr(error)

    def wait(self, what, holds, seconds=15):
        deadline = time.monotonic() + seconds
        while not (found := holds()):
            if time.monotonic() > deadline:
                raise Wrong(f"{what}: not within {seconds} s")
            time.sleep(0.05)
        return found

    # --- a machine of its own ----------------------------------------------------------------------------------------------

    def in_a_machine(self):
        """Plays the course's inside(place) on a real systemd with a network and a root of its own; what it said."""
        spec = importlib.util.spec_from_file_location("projects_run", ROOT / "tests" / "projects" / "run.py")
        projects = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(projects)
        machine = projects.Machine(self.directory / "machine", self.name[:15], self.backout_program)
        self.at_end(machine.down)
        course = f"/opt/backout/tests/examples/{self.name.replace('-', '_')}.py"
        self.sh([*machine.enter, "/usr/bin/python3", "-B", course], timeout=400, cwd="/")

    # --- the end -------------------------------------------------------------------------------------------------------

    def at_end(self, call):
        """Called when the course is over, however it ended; the last one first."""
        self._at_end.append(call)

    def start(self, argv, **more):
        """A program that runs until the course is over; its whole session is ended then."""
        log = open(self.directory / f"{Path(argv[0]).name}.log", "ab")
        child = subprocess.Popen([str(one) for one in argv], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                                 start_new_session=True, env=self.environment,
                                 cwd=more.pop("cwd", self.site if self.site.exists() else self.directory), **more)
        log.close()
        self.at_end(lambda: _end_session(child))
        return child

    def end(self):
        """Everything that was registered is ended, even when one of them cannot be; the first fault is raised."""
        fault = None
        while self._at_end:
            try:
                self._at_end.pop()()
            except Exception as error:
                fault = fault or error
        if fault:
            raise fault


def _end_session(child):
    for number in (15, 9):
        try:
            os.killpg(child.pid, number)
        except ProcessLookupError:
            break
        try:
            child.wait(5)
            if number == 9:
                break
        except subprocess.TimeoutExpired:
            continue
    child.wait()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)


def main(name, site, inside):
    """On the machine: plays inside(place), says what was done, and ends with 0 when all of it was as it should be."""
    Path(site).mkdir(parents=True, exist_ok=True)
    place = Place(name, "/opt/backout-bin/backout", site)
    try:
        words, status = inside(place) or [], 0
    except Exception:
        words, status = [traceback.format_exc()], 1
    place.end()
    print("\n".join([*place.told(), *words]), flush=True)
    return status
