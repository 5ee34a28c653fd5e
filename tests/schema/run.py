#!/usr/bin/python3
"""The schemas for editors against the program's own judgement.

    tests/schema/run.py --backout build/dev/backout

Every golden configuration that lints without an error must validate, and so must every file of the documentation; what is wrong in
shape must not. Needs python3-jsonschema and python3-yaml.
"""
import argparse
import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
GOLDEN = ROOT / "tests" / "golden" / "config"


class Loader(yaml.SafeLoader):
    """YAML 1.2 as editors read it: no dates, no `on` and `off`."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if not tag.endswith((":timestamp", ":bool", ":merge", ":value", ":int", ":float"))]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()}
for tag, pattern, first in [("bool", r"^(true|false)$", "tf"), ("int", r"^[-+]?[0-9]+$", "-+0123456789")]:
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", __import__("re").compile(pattern), list(first))

# What is wrong in shape; each must be refused by the schema and by lint.
WRONG = {
    "an unknown key": "site: a\nsevices: []\n",
    "a signal of two forms": "site: a\nsignals: [{probe: 'http://127.0.0.1/', tcp: '127.0.0.1:1'}]\n",
    "an Alertmanager that is neither a URL nor a map": "site: a\nsignals: [{alertmanager: localhost}]\n",
    "no site": "environment: production\n",
    "a name with a space": "site: a b\n",
    "code without a path": "site: a\ncode: {layout: releases}\n",
    "a layout that is none": "site: a\ncode: {layout: blue, path: /srv/a}\n",
    "a port that is none": "site: a\nservices: [{systemd: a.service, port: 99999}]\n",
    "a port in words": "site: a\nservices: [{systemd: a.service, port: eight}]\n",
    "a service of two forms": "site: a\nservices: [{systemd: a.service, process: b, start: c}]\n",
    "a service of no form": "site: a\nservices: [{drain: 3s}]\n",
    "a process without a start": "site: a\nservices: [{process: web}]\n",
    "a duration without a unit": "site: a\nwatch: {bake: '24'}\n",
    "a list where a map is": "site: a\ncode: []\n",
    "a map where a list is": "site: a\nchecks: {get: /}\n",
    "a line that is no check": "site: a\nchecks: [health]\n",
    "a command that is a number of things": "site: a\ncommands: [{name: a, phase: open, run: {cwd: /}}]\n",
    "a phase that is none": "site: a\ncommands: [{name: a, phase: lunch, run: b}]\n",
    "a URL that is none": "site: a\nbase_url: localhost\n",
    "a secret in the open": "site: a\nservices: [{process: w, start: s, secrets: {A: hunter2}}]\n",
    "a relative root": "site: a\nhosts: {w: {root: here}}\n",
    "an unknown key deep inside": "site: a\ndatabase: {sqlite: {file: a, flie: b}}\n",
}
RIGHT = {
    "keys of one's own": "site: a\nx-note: [1, {two: 3}]\ncode: {layout: releases, path: /srv/a, x-why: because}\n",
    "numbers as texts": "site: 42\nservices: [{systemd: a.service, port: '8000'}]\n",
    "three ways to write a command": "site: a\ncode: {layout: releases, path: /srv/a, build: [make, [make, all], {run: make, cwd: b}]}\n",
    "two ways to write a check": "site: a\nchecks: [/health 200 \"ok\", {get: /version, version: true}]\n",
}
OVERLAYS = {
    "nothing is required": ("code: {path: /srv/b}\n", True),
    "an empty value takes a key away": ("door:\ndatabase: {sqlite: {tables:}}\n", True),
    "an unknown key": ("cod: {path: /srv/b}\n", False),
    "an empty element": ("checks: [~]\n", False),
}


class Judge:
    def __init__(self, backout):
        self.backout, self.passed, self.failed = backout, 0, 0
        self.schemas = {name: json.loads((ROOT / "docs" / name).read_text()) for name in ("backout.schema.json", "backout.overlay.schema.json")}
        for schema in self.schemas.values():
            jsonschema.Draft7Validator.check_schema(schema)

    def fits(self, text, name="backout.schema.json"):
        errors = list(jsonschema.Draft7Validator(self.schemas[name]).iter_errors(yaml.load(text, Loader)))
        return not errors, "; ".join(error.message[:200] for error in errors[:2])

    def lints(self, text, directory):
        file = directory / "backout.yaml"
        file.write_text(text)
        return subprocess.run([self.backout, "lint", file], capture_output=True).returncode == 0

    def expect(self, name, right, why=""):
        if right:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED {name}: {why}")


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--backout", required=True)
    judge = Judge(Path(options.parse_args().backout).resolve())
    import tempfile
    with tempfile.TemporaryDirectory() as base:
        directory = Path(base)
        for name, option in (("backout.schema.json", "--schema"), ("backout.overlay.schema.json", "--overlay-schema")):
            said = subprocess.run([judge.backout, "lint", option], capture_output=True, text=True)
            judge.expect(f"lint {option} prints docs/{name}", said.stdout == (ROOT / "docs" / name).read_text(), said.stderr)
        for case in sorted(GOLDEN.iterdir()):
            if (case / "environment").exists() or (case / "expected.txt").read_text().rstrip().endswith("not usable"):
                continue
            if "error" in (case / "expected.txt").read_text().splitlines()[0]:
                continue
            fits, why = judge.fits((case / "backout.yaml").read_text())
            judge.expect(f"golden {case.name} lints, so it validates", fits, why)
        for path in ("examples/backout.yaml", "examples/shop/backout.yaml"):
            if (ROOT / path).exists():
                fits, why = judge.fits((ROOT / path).read_text())
                judge.expect(f"{path} validates", fits, why)
        for name, text in WRONG.items():
            judge.expect(f"{name} is refused by the schema", not judge.fits(text)[0])
            judge.expect(f"{name} is refused by lint", not judge.lints(text, directory))
        for name, text in RIGHT.items():
            judge.expect(f"{name}: validates", *judge.fits(text))
            judge.expect(f"{name}: lints", judge.lints(text, directory))
        for name, (text, right) in OVERLAYS.items():
            fits, why = judge.fits(text, "backout.overlay.schema.json")
            judge.expect(f"overlay: {name}", fits == right, why)
    print(f"{judge.passed} passed, {judge.failed} failed")
    return 1 if judge.failed else 0


if __name__ == "__main__":
    sys.exit(main())
