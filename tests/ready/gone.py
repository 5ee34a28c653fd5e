"""What a case is, and how it is judged: green, one thing taken away and named, put back and green again."""
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Callable, NamedTuple

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "crash"))
import processes  # noqa: E402

PATIENCE = 120
IN_ITS_OWN_NAMESPACE = ["unshare", "-m", "--propagation", "private", "sh", "-euc"]


def nothing():
    pass


class Taken(NamedTuple):
    back: Callable = nothing  # puts it back
    inside: str = ""  # sh: done in a mount namespace that only this one backout sees
    environment: dict = {}
    without: tuple = ()  # variables that are not set
    arguments: tuple = ()


class Gone(NamedTuple):
    take: Callable  # (site) -> Taken
    finding: str  # the id that must be red
    words: tuple = ()  # what it must name; @ROOT@ and the like are filled in
    also: tuple = ()  # other ids that may be red: what this loss brings with it
    prove: bool = False
    needs_root: bool = False


class Site:
    """One directory, the processes in it, and how backout is asked there."""

    def __init__(self, base, backout):
        self.base, self.backout = Path(base).resolve(), os.path.abspath(backout)
        self.root = self.base / "root"
        self.root.mkdir(parents=True)
        self.root.chmod(0o755)
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("BACKOUT_")},
            processes.MARK: str(self.base), "BACKOUT_ACTOR": "tester", "BACKOUT_TARGET": str(self.root / "target"),
            "LC_ALL": "C.UTF-8",
        }
        self.words = {"ROOT": self.root}

    def filled(self, text):
        for word, value in self.words.items():
            text = text.replace(f"@{word}@", str(value))
        return text

    def put(self, name, text, mode=0o644):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.filled(text))
        path.chmod(mode)
        return path

    def template(self, name):
        return (HERE / "site" / name).read_text()

    def run(self, *arguments, taken=Taken()):
        command = [self.backout, "-f", str(self.root / "backout.yaml"), *taken.arguments, *arguments]
        if taken.inside:
            command = [*IN_ITS_OWN_NAMESPACE, self.filled(taken.inside) + '\nexec "$@"', "sh", *command]
        environment = {**self.environment, **taken.environment}
        for name in taken.without:
            environment.pop(name)
        return subprocess.run(command, cwd=self.base, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=PATIENCE, check=False)

    def must(self, *arguments):
        ended = self.run(*arguments)
        if ended.returncode != 0:
            raise RuntimeError(f"backout {' '.join(arguments)}: exit status {ended.returncode}\n{ended.stdout}{ended.stderr}")
        return ended.stdout

    def ready(self, taken=Taken(), prove=False):
        """(exit status, the answer as JSON, what was said otherwise)"""
        ended = self.run("-o", "json", "ready", *(["--prove"] if prove else []), taken=taken)
        try:
            return ended.returncode, json.loads(ended.stdout), ended.stderr
        except ValueError:
            return ended.returncode, {"findings": []}, ended.stdout + ended.stderr

    def down(self):
        processes.end_all(self.base.parent)  # ssh's shared connections, too, which tell nothing of their environment


def in_words(answer):
    return [f"{one['severity']} {one['id']} {one.get('about', '')} {one.get('host', '')}: {one['what']} | {one.get('next', '')}"
            for one in answer["findings"] if one["severity"] != "ok"]


def faults_of_green(site, what, prove=False):
    status, answer, said = site.ready(prove=prove)
    red = [one for one in answer["findings"] if one["severity"] == "red"]
    if status == 0 and not red and answer["ready"]:
        return []
    return [f"{what}: exit status {status}", said, *in_words(answer)]


def faults_of(site, gone):
    taken = gone.take(site)
    try:
        status, answer, said = site.ready(taken, gone.prove)
    finally:
        taken.back()
    faults = []
    if status != 3:
        faults.append(f"exit status {status}, expected 3")
    if answer.get("ready") is not False:
        faults.append("it does not say no")
    red = [one for one in answer["findings"] if one["severity"] == "red"]
    words = [site.filled(word) for word in gone.words]
    named = [one for one in red if one["id"] == gone.finding
             and all(word in f"{one.get('about', '')} {one.get('host', '')} {one['what']}" for word in words)]
    if not named:
        faults.append(f"no red finding '{gone.finding}' that names {', '.join(words) or 'it'}")
    faults += [f"'{one['id']}' does not say what to do next" for one in red if not one.get("next")]
    faults += [f"'{one['id']}' is red too: {one['what']}" for one in red if one["id"] not in (gone.finding, *gone.also)]
    if faults:
        faults += [said, *in_words(answer)]
    # Where nothing of the site was touched there is nothing to put back.
    return faults + (faults_of_green(site, "put back", gone.prove) if taken.back is not nothing else [])
