#!/usr/bin/python3
"""clang-tidy (14) over src/ with the checks of .clang-tidy: ./dev lint [FILE...]. Exit status 1 when it finds something.

The commands come from build/dev, without the precompiled header: that is g++'s, and clang cannot read it.
"""
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PRECOMPILED = re.compile(r" -Winvalid-pch| -include \S*cmake_pch\.hxx")


def commands():
    """The compile commands of src/, one a file, as clang-tidy can use them; written to build/lint."""
    found = {}
    for entry in json.loads((ROOT / "build" / "dev" / "compile_commands.json").read_text()):
        path = Path(entry["file"])
        if path.is_relative_to(ROOT / "src") and path.suffix == ".cc" and path.exists():
            found[str(path)] = {**entry, "command": PRECOMPILED.sub("", entry["command"]).replace("/usr/bin/ccache ", "")}
    directory = ROOT / "build" / "lint"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "compile_commands.json").write_text(json.dumps(list(found.values())))
    return directory, sorted(found)


def tidy(directory, file):
    done = subprocess.run(["clang-tidy-14", "--quiet", "-p", directory, file], cwd=ROOT, capture_output=True, text=True, check=False)
    return file, done.returncode, done.stdout + ("" if done.returncode == 0 else done.stderr)


def main():
    directory, files = commands()
    chosen = {str(Path(name).resolve()) for name in sys.argv[1:]}
    files = [file for file in files if not chosen or file in chosen]
    bad = 0
    with ThreadPoolExecutor(int(os.environ.get("BACKOUT_JOBS", os.cpu_count() or 2))) as pool:
        for file, status, words in pool.map(lambda file: tidy(directory, file), files):
            if status != 0:
                bad += 1
                print(f"{Path(file).relative_to(ROOT)}\n{words}", flush=True)
    print(f"{len(files) - bad} passed, {bad} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
