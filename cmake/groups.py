#!/usr/bin/python3
"""Groups of files that can be compiled as one: no two of a group define the same file-local name.

    groups.py ROOT FOLDER          prints one line `FILE;GROUP` for each source below ROOT/src/FOLDER

For CMAKE_UNITY_BUILD (cmake/folder.cmake). What is taken for a file-local name is a guess on the safe side: a name too many costs
a group more, a name too few is a compiler's error.
"""
import re
import sys
from pathlib import Path

MOST = 8  # files in a group: of more, one change makes too much to compile again
NAMES = [
    re.compile(r"^(?:template\s*<.*>\s*)?(?:struct|class|enum class|enum|union)\s+(\w+)"),
    re.compile(r"^using\s+(\w+)\s*="),
    re.compile(r"^#\s*define\s+(\w+)"),
    re.compile(r"^(?:[\w:<>,&*\s\[\]\"=]|\(\*\))*?\b(\w+)\s*(?:\(|\[|\{|=)"),
]
KEYWORDS = {"if", "for", "while", "switch", "return", "namespace", "TEST", "TEST_F", "TEST_P", "INSTANTIATE_TEST_SUITE_P", "extern", "struct", "class"}


def names_of(path):
    names, local = set(), 0
    for line in path.read_text(errors="replace").splitlines():
        if re.match(r"^namespace\s*\{", line):
            local += 1
        elif re.match(r"^\}\s*//\s*namespace\s*$", line):
            local = max(local - 1, 0)
        elif line[:1].isalpha() or line.startswith(("#", "[[")):
            if line.startswith("#") and "define" not in line:
                continue
            if not (local or line.startswith(("static ", "using ", "#", "TEST", "INSTANTIATE"))):
                continue
            if case := re.match(r"^(?:TEST|TEST_F|TEST_P)\((\w+),\s*(\w+)", line):
                names.add(f"{case[1]}_{case[2]}_Test")
                continue
            for pattern in NAMES:
                if found := pattern.match(line):
                    names.add(found[1])
                    break
    return names - KEYWORDS


def names_in_headers(folder):
    """Types that every file of the folder may see: a file-local one of that name is ambiguous for its neighbours."""
    names = set()
    for path in folder.rglob("*.h"):
        for line in path.read_text(errors="replace").splitlines():
            if found := NAMES[0].match(line) or NAMES[1].match(line):
                names.add(found[1])
    return names - KEYWORDS


def main(root, folder):
    groups, public = {}, names_in_headers(root / "src" / folder)
    for path in sorted((root / "src" / folder).rglob("*.cc")):
        kind = "test" if path.name.endswith("_test.cc") else "code"
        names = names_of(path)
        for number in range(1000):
            members, taken = groups.setdefault((kind, number), ([], set()))
            alone = bool(names & public)
            if len(members) < MOST and not names & taken and not (alone and members):
                members.extend([path] * (MOST if alone else 1))
                taken |= names
                print(f"{path};{folder.replace('/', '_')}_{kind}_{number}")
                break


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
