#!/usr/bin/python3
"""Completion in real shells: the committed scripts load, and offer what they should.

    tests/completion/run.py --backout build/dev/backout

bash is needed; zsh and fish are tried when they are there.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPTS = ROOT / "packaging" / "completions"

# What is typed -> words that must be among the offers, and words that must not.
CASES = [
    ("backout ro", ["rollback"], ["plan"]),
    ("backout ", ["init", "lint", "deploy"], ["internal"]),
    ("backout journal ", ["export"], ["verify"]),
    ("backout rollback --", ["--reason", "--plan"], ["--answers"]),
    ("backout -o ", ["text", "json"], []),
    ("backout -o json repo", ["report"], ["rollback"]),
    ("backout report --format ", ["md", "json"], []),
    ("backout completion ", ["bash", "zsh", "fish"], []),
    ("backout -e ", ["staging"], ["production"]),
    ("backout rollback ", ["v1", "v2"], ["evil"]),
    ("backout deploy --version ", ["v1", "v2"], []),
    ("backout init --answer ", ["port=", "site="], []),
    ("backout init -C si", ["site"], ["backout.yaml"]),
    ("backout lint back", ["backout.yaml"], []),
    ("backout deploy -- ", [], ["rollback"]),
]

BASH = r"""
source "$SCRIPT"
complete -p backout >/dev/null || exit 9
COMP_LINE=$1; COMP_POINT=${#COMP_LINE}
read -ra COMP_WORDS <<<"$COMP_LINE"
[[ $COMP_LINE == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_backout backout "${COMP_WORDS[COMP_CWORD]}" ''
printf '%s\n' "${COMPREPLY[@]}"
"""


class Shells:
    def __init__(self, backout, directory):
        self.passed, self.failed = 0, 0
        programs = directory / "bin"
        programs.mkdir()
        (programs / "backout").symlink_to(backout)
        self.site = directory / "site-of-it"
        (self.site / "site").mkdir(parents=True)
        self.environment = {"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(directory), "LANG": "C.UTF-8", "BACKOUT_ACTOR": "tester"}
        self.prepare()

    def prepare(self):
        (self.site / "site" / "releases" / "v1").mkdir(parents=True)
        (self.site / "site" / "current").symlink_to("releases/v1")
        (self.site / "backout.yaml").write_text(
            f"site: a\nstate: state\nhosts: {{local: {{root: {self.site}/target}}}}\ncode: {{layout: releases, path: site}}\nchecks: [{{run: 'true'}}]\n")
        (self.site / "backout.staging.yaml").write_text("environment: staging\n")
        for version in ("v1", "v2"):
            (self.site / "site" / "releases" / version).mkdir(exist_ok=True)
            (self.site / "site" / "current").unlink()
            (self.site / "site" / "current").symlink_to(f"releases/{version}")
            self.run(["backout", "record", version])

    def run(self, argv, **more):
        return subprocess.run(argv, cwd=self.site, env={**self.environment, **more}, capture_output=True, text=True, timeout=60)

    def expect(self, name, right, why=""):
        if right:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED {name}: {why}")

    def judge(self, shell, typed, said, wanted, unwanted):
        offers = {line.split("\t")[0].strip().rstrip("/") for line in said.stdout.splitlines()}
        missing, wrong = [one for one in wanted if one not in offers], [one for one in unwanted if one in offers]
        self.expect(f"{shell}: {typed!r}", not missing and not wrong and said.returncode in (0, 1),
                    f"missing {missing}, wrong {wrong}, offered {sorted(offers)[:12]}, status {said.returncode} {said.stderr[:300]}")

    def bash(self):
        for typed, wanted, unwanted in CASES:
            said = self.run(["bash", "--norc", "-c", BASH, "bash", typed], SCRIPT=str(SCRIPTS / "backout.bash"))
            self.judge("bash", typed, said, wanted, unwanted)

    def fish(self):
        for typed, wanted, unwanted in CASES:
            said = self.run(["fish", "--no-config", "-c", f"source {SCRIPTS}/backout.fish; complete -C '{typed}'"])
            self.judge("fish", typed, said, wanted, unwanted)

    def zsh(self):
        said = self.run(["zsh", "-f", "-n", str(SCRIPTS / "_backout")])
        self.expect("zsh reads its script", said.returncode == 0, said.stderr)
        said = self.run(["zsh", "-f", "-c", f"autoload -U compinit && compinit -u -D && source {SCRIPTS}/_backout && "
                         "(( $+functions[_backout_rollback] )) && [[ ${_comps[backout]} == _backout ]]"])
        self.expect("zsh loads it", said.returncode == 0, said.stderr)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--backout", required=True)
    backout = Path(options.parse_args().backout).resolve()
    with tempfile.TemporaryDirectory(prefix="backout-completion-") as base:
        shells = Shells(backout, Path(base))
        shells.bash()
        for name in ("zsh", "fish"):
            if shutil.which(name):
                getattr(shells, name)()
            else:
                print(f"skipped {name}: it is not here")
        empty = Path(base) / "empty"
        empty.mkdir()
        (empty / "backout.yaml").write_text("site: a\nstate: state\n")
        said = subprocess.run([backout, "-C", empty, "internal", "complete", "versions"], capture_output=True, text=True, env=os.environ)
        shells.expect("asking makes nothing", said.stdout == "" and sorted(path.name for path in empty.iterdir()) == ["backout.yaml"])
    print(f"{shells.passed} passed, {shells.failed} failed")
    return 1 if shells.failed else 0


if __name__ == "__main__":
    sys.exit(main())
