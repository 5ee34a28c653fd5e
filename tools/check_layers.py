#!/usr/bin/python3
"""Checks the arrows between the folders of src/: knowledge points downwards. Also: system calls stay where they belong.

    check_layers.py [--root DIRECTORY] | --self-test

The arrows are those of ARCHITECTURE.md and of the links in src/CMakeLists.txt. Every exception stands below with its reason; one
that nothing uses any more is a failure too.
"""
import argparse
import re
import sys
import tempfile
from pathlib import Path

# What the app service may use of the folders below it.
BELOW_APP = (
    "decide watch import run record plan journal driver drivers/auto_deploy drivers/checks drivers/ci drivers/code drivers/command "
    "drivers/compose drivers/kubernetes drivers/leftovers drivers/services drivers/traffic database/archive database/sqlite "
    "database/postgresql config init schema model host os base"
)

# folder -> the folders it may include. A driver's folder is a layer of its own, so drivers do not know each other.
ARROWS = {
    "base": "",
    "os": "base",
    "host": "os base",
    "model": "base",
    "config": "model base",
    "schema": "model base",
    "decide": "model base",
    "watch": "model host os base",
    "init": "config model os base",
    "import": "init config model base",
    "plan": "config schema model base",
    "journal": "model os base",
    "driver": "model host os base",
    "drivers/auto_deploy": "driver model host os base",
    "drivers/checks": "driver model host os base",
    "drivers/ci": "driver model host os base",
    "drivers/code": "driver model host os base",
    "drivers/command": "driver model host os base",
    "drivers/compose": "driver model host os base",
    "drivers/kubernetes": "driver model host os base",
    "drivers/leftovers": "driver model host os base",
    "drivers/services": "driver model host os base",
    "drivers/traffic": "driver model host os base",
    "database/archive": "os base",
    "database/sqlite": "database/archive driver schema model host os base",
    "database/postgresql": "database/archive driver schema model host os base",
    "run": "plan journal driver model host os base",
    "record": "model base",
    "app/site": BELOW_APP,
    "app/history": "app/site " + BELOW_APP,
    "app/backups": "app/site app/history " + BELOW_APP,
    "app/retention": "app/site app/history " + BELOW_APP,
    "app/signals": "app/site app/history " + BELOW_APP,
    "app/planning": "app/site app/history app/backups app/signals " + BELOW_APP,
    "app/watching": "app/site app/history app/signals app/planning " + BELOW_APP,
    "app/acting": "app/site app/history app/planning app/watching " + BELOW_APP,
    "app/ready": "app/site app/history app/backups app/planning app/watching " + BELOW_APP,
    "app/setup": BELOW_APP,
    "cli": "app/site app/history app/backups app/retention app/signals app/planning app/watching app/acting app/ready app/setup model base",
}

# (file or folder, what it includes, why)
EXCEPTIONS = [
    ("drivers/auto_deploy", "drivers/command/arguments.h", "a team's own way of pausing is a user's command: one reader of their JSON form"),
    ("drivers/checks", "drivers/command/arguments.h", "a search index is rebuilt and asked by the user's own commands"),
    ("drivers/code", "drivers/command/arguments.h", "build commands are user commands: one reader of their JSON form"),
    ("drivers/compose", "drivers/code/saved_config.h", "files that go back with a release are saved in one way, whatever brings it"),
    ("drivers/compose", "drivers/code/facts.h", "one way to run a look and read what it printed"),
    ("drivers/compose", "drivers/code/script.h", "one beginning of scripts"),
    ("drivers/compose", "drivers/code/version.h", "one rule for what a version is"),
    ("drivers/compose", "drivers/command/arguments.h", "one reader of paths and texts in arguments"),
    ("drivers/kubernetes", "drivers/command/arguments.h", "one reader of a driver's JSON"),
    ("drivers/traffic", "drivers/kubernetes/kubectl.h", "an Istio VirtualService is told by kubectl: one reader of its words"),
    ("drivers/leftovers", "drivers/command/arguments.h", "a leftover may be counted by a user's command: one reader of their JSON form"),
    ("drivers/traffic", "drivers/checks/answer.h", "what version an answer tells: one reader"),
    ("decide/policies_for_tests.h", "config/config.h", "the shipped policies are judged as they are read"),
    ("app/site", "app/signals/gradual.h", "a shift of traffic in steps is judged by the site's signals: a driver of looks, and what it adds to offers"),
    ("cli/cmd_decide.cc", "decide/explain.h", "a decision in words: lines, made from the value alone"),
    ("cli/vigil_view.cc", "decide/explain.h", "the same, while a release is watched"),
    ("cli/cmd_internal.cc", "database/sqlite/tool.h", "the hidden command that runs the SQLite tool on a host"),
    ("cli/cmd_internal.cc", "database/postgresql/verbs.h", "and the PostgreSQL one"),
    ("cli/cmd_internal.cc", "drivers/traffic/alb.h", "and the one that reads and writes a listener's actions"),
    ("cli/cmd_internal.cc", "drivers/code/coolify_tool.h", "and what asks Coolify"),
    ("cli/cmd_internal.cc", "drivers/kubernetes/tool.h", "and the one that acts on a cluster"),
    ("cli/cmd_internal.cc", "drivers/traffic/istio.h", "and the one that sets the weights of a mesh"),
    ("cli/cmd_lint.cc", "config/config.h", "lint shows the findings of the configuration as they are"),
    ("cli/cmd_report.cc", "record/report.h", "renders the report, which is a value"),
    ("cli/cmd_report.cc", "record/html.h", "in each of its forms"),
    ("cli/cmd_report.cc", "record/public.h", "in each of its forms"),
    ("cli/cmd_report.cc", "record/people.h", "keeps what people wrote into it"),
    ("cli/cmd_report.cc", "os/file.h", "writes the report where it was asked for"),
    ("cli/cmd_status.cc", "record/watch.h", "whether a watch is in trouble is the rule of its report"),
    ("cli/cmd_status.cc", "run/recovery.h", "shows what resume would do, in the words of its table"),
    ("cli/finish.cc", "record/report.h", "the last lines of a run are the report's figures"),
    ("cli/finish.cc", "record/summary.h", "and its words"),
    ("cli/progress_view.h", "run/progress.h", "implements the seam that the executor reports through"),
]

SYSTEM = re.compile(
    r"(unistd|fcntl|poll|signal|spawn|pwd|grp|dirent|termios|sched|netdb|pthread|sqlite3)\.h|csignal|(sys|netinet|arpa|linux)/.*")
SYSTEM_FOLDERS = ("os", "host", "journal")
# (file or folder, why)
SYSTEM_EXCEPTIONS = [
    ("database/archive", "opens what lies in a team's directory without following or waiting"),
    ("database/sqlite", "SQLite and the files of a database: locks, fsync, exchange of names"),
    ("database/postgresql/dump_files.cc", "the files of a dump: fsync, modes, symlinks not followed"),
    ("database/postgresql/slot_stream.cc", "waits for the socket of the replication protocol"),
    ("base/fault.cc", "a kill point kills its own process"),
    ("app/site/workspace.cc", "who is asking, and where their home is"),
    ("cli/asker.cc", "is there a person at the terminal"),
    ("cli/cmd_sites.cc", "is it a terminal, which has a width"),
    ("cli/cmd_deploy.cc", "the deploy command's output goes on live"),
    ("cli/interrupt.cc", "Ctrl-C"),
    ("cli/progress_live.cc", "draws on the terminal"),
    ("cli/cmd_ready.cc", "is the output a terminal"),
    ("cli/terminal.cc", "how wide is the terminal"),
]

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')
TEST_FILE = re.compile(r"(_test\.cc|_for_tests\.h|/testing\.h|/test_[a-z_]+\.h)$")
TEST_FOLDERS = ("conformance", "fuzz", "support")


def layer_of(path):
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] in ("app", "drivers", "database") and len(parts) > 2 else parts[0]


def covers(where, path):
    return path == where or path.startswith(where + "/")


def faults(source):
    """Every wrong arrow under `source`, as (place, words)."""
    found, used = [], set()
    for file in sorted([*source.rglob("*.cc"), *source.rglob("*.h")]):
        path = str(file.relative_to(source))
        layer, is_test = layer_of(path), bool(TEST_FILE.search("/" + path))
        for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
            match = INCLUDE.match(line)
            if match and (words := fault(path, layer, is_test, match[1], match[2], used)):
                found.append((f"{path}:{number}", words))
    return found, used


def fault(path, layer, is_test, own, system, used):
    if system is not None:
        if not SYSTEM.fullmatch(system) or layer in SYSTEM_FOLDERS or is_test:
            return None
        for where, _ in SYSTEM_EXCEPTIONS:
            if covers(where, path):
                used.add(where)
                return None
        return f"<{system}>: system calls live in {', '.join(SYSTEM_FOLDERS)}"
    target = layer_of(own)
    if layer not in ARROWS:
        return f"the folder '{layer}' has no arrows yet: give it a line in tools/check_layers.py and in ARCHITECTURE.md"
    if target == layer or target in ARROWS[layer].split():
        return None
    if is_test and (target in TEST_FOLDERS or layer.startswith("drivers/") and target.startswith("drivers/")):
        return None  # a driver's test may use another driver as its real neighbour
    for where, what, _ in EXCEPTIONS:
        if covers(where, path) and own == what:
            used.add((where, what))
            return None
    allowed = ARROWS[layer] or "nothing"
    return f'"{own}": {layer} may include {allowed}'


def unused(used):
    return [f"{where} -> {what}" for where, what, _ in EXCEPTIONS if (where, what) not in used] + [
        f"{where} -> system calls" for where, _ in SYSTEM_EXCEPTIONS if where not in used]


def self_test():
    """Wrong arrows of each kind are found, right ones are not."""
    wrong = {
        "base/a.cc": '#include "os/file.h"',
        "model/a.h": '#include "driver/driver.h"',
        "plan/a.cc": '#include "host/host.h"',
        "drivers/traffic/a.cc": '#include "drivers/services/look.h"',
        "database/sqlite/a.cc": '#include "journal/journal.h"',
        "record/a.cc": "#include <unistd.h>",
        "cli/a.cc": '#include "journal/journal.h"',
        "app/history/a.cc": '#include "app/planning/planning.h"',
        "new_folder/a.cc": '#include "base/result.h"',
    }
    right = {
        "os/b.cc": "#include <unistd.h>",
        "run/b.cc": '#include "plan/compose.h"',
        "drivers/code/b.cc": '#include "drivers/command/arguments.h"',
        "drivers/code/b_test.cc": '#include "conformance/conformance.h"',
        "cli/b.cc": '#include "app/acting/session.h"',
    }
    with tempfile.TemporaryDirectory() as directory:
        for path, line in {**wrong, **right}.items():
            file = Path(directory) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(line + "\n")
        found = {place.split(":")[0] for place, _ in faults(Path(directory))[0]}
    missed, invented = set(wrong) - found, found - set(wrong)
    for path in sorted(missed):
        print(f"not found: {path}: {wrong[path]}")
    for path in sorted(invented):
        print(f"wrongly found: {path}: {right[path]}")
    return 1 if missed or invented else 0


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    options.add_argument("--self-test", action="store_true")
    given = options.parse_args()
    if given.self_test:
        return self_test()
    found, used = faults(given.root / "src")
    for place, words in found:
        print(f"src/{place}: {words}")
    stale = unused(used)
    for exception in stale:
        print(f"tools/check_layers.py: nothing uses the exception {exception} any more; take it out")
    return 1 if found or stale else 0


if __name__ == "__main__":
    sys.exit(main())
