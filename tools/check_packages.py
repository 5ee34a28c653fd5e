#!/usr/bin/python3
"""README.md shows the packages of tools/packages.txt, each with its reason. This compares the two; --write puts the table there."""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- packages: tools/packages.txt -->\n", "<!-- end of packages -->\n"
LINE = re.compile(r"^(build|demo|test|bench|lint)\s+([a-z0-9][a-z0-9+.-]+)\s+# (.+)$")


def packages():
    found = []
    for number, line in enumerate((ROOT / "tools" / "packages.txt").read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = LINE.match(line)
        if not match:
            sys.exit(f"tools/packages.txt:{number}: not `group package # reason`: {line}")
        found.append(match.groups())
    names = [name for _, name, _ in found]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        sys.exit(f"tools/packages.txt: twice: {', '.join(sorted(twice))}")
    return found


def table():
    rows = "".join(f"| `{name}` | {group} | {reason} |\n" for group, name, reason in packages())
    return f"{BEGIN}| package | for | reason |\n|---|---|---|\n{rows}{END}"


def main():
    readme = ROOT / "README.md"
    text = readme.read_text()
    begin, end = text.find(BEGIN), text.find(END)
    if begin < 0 or end < begin:
        print(f"README.md: no place for the packages, which is between {BEGIN.strip()} and {END.strip()}")
        return 1
    right = text[:begin] + table() + text[end + len(END):]
    if "--write" in sys.argv:
        readme.write_text(right)
        return 0
    if text != right:
        print("README.md: the table of packages is not that of tools/packages.txt. Mend it: tools/check_packages.py --write")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
