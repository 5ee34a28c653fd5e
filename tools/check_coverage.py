#!/usr/bin/python3
"""docs/coverage.md has every row once, docs/design/drivers.md every driver, and every example and test that they name is there.

    check_coverage.py [--root DIRECTORY] | --self-test
"""
import argparse
import re
import sys
import tempfile
from pathlib import Path

ROWS = {"D": 14, "L": 8, "B": 8, "C": 13, "T": 4, "P": 11, "V": 8, "H": 9, "I": 6, "X": 2, "O": 5}
IDS = [f"{letter}{number}" for letter, last in ROWS.items() for number in range(1, last + 1)]
MISSING = "not yet"
GOOGLE_TEST = re.compile(r"^TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\)", re.MULTILINE)


def google_tests(root):
    return {f"{suite}.{name}" for folder in ("src", "tests") for file in (root / folder).rglob("*_test.cc")
            for suite, name in GOOGLE_TEST.findall(file.read_text(errors="replace"))}


def is_there(root, name, tests):
    if name.startswith("examples/"):
        course = root / "tests" / "examples" / f"{Path(name).name.replace('-', '_')}.py"
        return (root / name / "backout.yaml").exists() and course.exists()
    file, _, case = name.partition(":")
    if not case:
        return name in tests
    if (root / file).is_dir():
        return (root / file / case / "cmd").exists()
    if not (root / file).is_file():
        return False
    text = (root / file).read_text()
    return f'"{case}"' in text or bool(re.search(rf"^def {re.escape(case)}\(", text, re.MULTILINE))


def faults(root):
    page, tests, seen, found = root / "docs" / "coverage.md", google_tests(root), [], []
    for number, line in enumerate(page.read_text().splitlines(), 1):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|") or not re.fullmatch(r"[A-Z]\d+", cells[0]):
            continue
        where, shown = f"docs/coverage.md:{number}: {cells[0]}", cells[-1]
        seen.append(cells[0])
        names = re.findall(r"`([^`]+)`", shown.partition(MISSING)[0])
        if cells[0] not in IDS:
            found.append(f"{where} is no row")
        if not names and not shown.startswith(MISSING):
            found.append(f"{where} names no test and does not say '{MISSING}'")
        found += [f"{where}: {name} is not there" for name in names if not is_there(root, name, tests)]
    found += [f"docs/coverage.md: {row} is there {seen.count(row)} times" for row in IDS if seen.count(row) != 1]
    return found


def is_in_suite(root, name):
    """A test of the conformance suite stands in a file that calls it."""
    suite = name.partition(".")[0]
    return any(re.search(rf"^TEST(?:_F|_P)?\(\s*{re.escape(suite)},", text, re.MULTILINE) and "conforms(" in text
               for text in (file.read_text(errors="replace") for file in (root / "src").rglob("*_test.cc")))


def faults_of_drivers(root):
    """Each driver that is registered has a row in the table: conformance, false success, killed in a rollback."""
    added = {name.replace("_", "-") for file in (root / "src" / "app").rglob("*.cc")
             for name in re.findall(r"\badd\((?:\w+::)*make_(\w+)_driver\(", file.read_text(errors="replace"))}
    tests, seen, found = google_tests(root), [], []
    for number, line in enumerate((root / "docs" / "design" / "drivers.md").read_text().splitlines(), 1):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) != 4 or not (driver := re.fullmatch(r"`([a-z0-9-]+)`", cells[0])):
            continue
        where = f"docs/design/drivers.md:{number}: {driver[1]}"
        seen.append(driver[1])
        for cell in cells[1:]:
            names = re.findall(r"`([^`]+)`", cell)
            found += [f"{where}: {name} is not there" for name in names if not is_there(root, name, tests)]
            if not names and cell != MISSING:
                found.append(f"{where} names no test and does not say '{MISSING}'")
        if not re.match(r"its own: |a look: |a question: |not yet", cells[1]):
            found += [f"{where}: {name} is not of the suite" for name in re.findall(r"`([^`]+)`", cells[1].partition("; beside it")[0])
                      if not is_in_suite(root, name)]
    found += [f"docs/design/drivers.md: {driver} is no driver" for driver in sorted(set(seen) - added)]
    return found + [f"docs/design/drivers.md: {driver} is there {seen.count(driver)} times" for driver in sorted(added) if seen.count(driver) != 1]


def self_test():
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        lines = {row: "not yet" for row in IDS}
        del lines["L1"]
        lines |= {"D1": "`Suite.Name`, `tests/cli:case`", "D2": "`Suite.Other`", "D4": "`tests/a.py:three`",
                  "D3": "`tests/a.py:one`, `tests/a.py:two`", "D5": "`examples/shop`", "D6": "`examples/gone`", "D7": "soon",
                  "D8": "`Suite.Name`; not yet: `the rest`", "D9": "`tests/cli:gone`"}
        rows = [*lines.items(), ("X9", "not yet"), ("D10", "not yet")]
        for path, text in {"src/a_test.cc": "TEST(Suite, Name) {}\n", "tests/cli/case/cmd": "",
                           "tests/a.py": 'def one():\n    return "two"\n',
                           "examples/shop/backout.yaml": "", "tests/examples/shop.py": "",
                           "src/b_test.cc": "TEST_F(Held, Fast) { conforms(); }\n",
                           "src/app/drivers.cc": "".join(f"  r.add(drivers::make_{one}_driver());\n" for one in ("a", "b_c", "d", "e")),
                           "docs/design/drivers.md": "| driver | one | two | three |\n| `a` | `Held.Fast` | `Suite.Name` | not yet |\n"
                                                     "| `b-c` | `Suite.Name` | soon | `Suite.Gone` |\n| `d` | a look: `Suite.Name` | `Held.Fast` | "
                                                     "`tests/a.py:one` |\n| `d` | `Held.Fast` | not yet | not yet |\n| `f` | not yet | not yet | not yet |\n",
                           "docs/coverage.md": "\n".join(f"| {row} | what | OD | {shown} |" for row, shown in rows)}.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        of_drivers = {re.sub(r"^docs/design/drivers.md:\d*:? ?", "", line) for line in faults_of_drivers(root)}
        found = {re.search(r"\b[A-Z]\d+\b", line.partition("md:")[2])[0] for line in faults(root)}
    expected = {"L1", "D2", "D4", "D6", "D7", "D9", "D10", "X9"}
    expected_of_drivers = {"b-c: Suite.Name is not of the suite", "b-c names no test and does not say 'not yet'", "b-c: Suite.Gone is not there",
                           "d is there 2 times", "e is there 0 times", "f is no driver"}
    for wanted, got in ((expected, found), (expected_of_drivers, of_drivers)):
        if got != wanted:
            print(f"expected {sorted(wanted)}, found {sorted(got)}")
    return 0 if found == expected and of_drivers == expected_of_drivers else 1


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    options.add_argument("--self-test", action="store_true")
    given = options.parse_args()
    if given.self_test:
        return self_test()
    found = faults(given.root) + faults_of_drivers(given.root)
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
