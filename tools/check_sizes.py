#!/usr/bin/python3
"""A file is one concept. Past 400 lines (200 for a header) ask which noun is hiding in it; tools/size_waivers.txt holds the answers
that were accepted, `path  # reason`.

    check_sizes.py [--root DIRECTORY] | --self-test
"""
import argparse
import sys
import tempfile
from pathlib import Path

# A header of the tests holds tests, not a seam, so it may be as long as a source.
LIMITS = {".h": 200, ".cc": 400, ".c": 400, ".py": 400, ".sh": 400}
FOLDERS = ("src", "tests", "bench", "demo", "examples", "tools")


def waivers(root):
    """path -> reason; a waiver without a reason is none."""
    file = root / "tools" / "size_waivers.txt"
    found = {}
    for line in file.read_text().splitlines() if file.exists() else []:
        path, _, reason = line.partition("#")
        if path.strip() and reason.strip():
            found[path.strip()] = reason.strip()
    return found


def faults(root):
    accepted, found = waivers(root), []
    for folder in FOLDERS:
        for file in sorted((root / folder).rglob("*")):
            limit = LIMITS.get(file.suffix)
            if file.suffix == ".h" and (folder == "tests" or file.name.endswith(("testing.h", "_for_tests.h"))):
                limit = LIMITS[".cc"]
            if limit is None or not file.is_file():
                continue
            path = str(file.relative_to(root))
            lines = len(file.read_text(errors="replace").splitlines())
            if lines > limit and not accepted.pop(path, None):
                found.append(f"{path}: {lines} lines, more than {limit}: which noun is hiding in it?")
            elif lines <= limit and path in accepted:
                found.append(f"{path}: has a waiver and does not need it any more")
                accepted.pop(path)
    found += [f"{path}: has a waiver and is not there" for path in accepted]
    return found


def self_test():
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        for path, lines in {"src/a/long.cc": 401, "src/a/long.h": 201, "src/a/right.cc": 400, "src/a/right.h": 200,
                            "src/a/waived.cc": 500, "src/a/no_reason.cc": 500}.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text("x\n" * lines)
        (root / "tools").mkdir()
        (root / "tools" / "size_waivers.txt").write_text("src/a/waived.cc  # a table\nsrc/a/no_reason.cc\nsrc/a/gone.cc  # gone\n")
        found = {line.split(":")[0] for line in faults(root)}
    expected = {"src/a/long.cc", "src/a/long.h", "src/a/no_reason.cc", "src/a/gone.cc"}
    if found != expected:
        print(f"expected {sorted(expected)}, found {sorted(found)}")
    return 0 if found == expected else 1


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    options.add_argument("--self-test", action="store_true")
    given = options.parse_args()
    if given.self_test:
        return self_test()
    found = faults(given.root)
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
