#!/usr/bin/python3
"""Puts an excerpt of a real run of the demo into README.md:

    ./dev demo >demo.log && tools/readme_run.py demo.log

The lines are the demo's own. Left out are the plan (it is in docs/rollback.md), the checks that held and waiting; a long line is cut
where it says "...".
"""
import re
import sys
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN, END = "<!-- a real run: from the demo -->\n", "<!-- end of a real run -->\n"
WIDTH = 116
LEFT_OUT = re.compile(
    r"(prepare|cutover|settle) +\S+: attempt \d|(public-)?check-\S+ done|(record|prune|keep|count|verify|present|schema-is|current)-\S+ done"
    r"|exit status 0$|^ *\|? *$|deploy-command \||record-(current|watching|release|checkpoint)")


def between(lines, begin, end):
    """The lines from the one that has `begin` up to the one that has `end`, without it."""
    at = next(number for number, line in enumerate(lines) if begin in line)
    return lines[at:next((number for number in range(at + 1, len(lines)) if end in lines[number]), len(lines))]


def without_plan(lines):
    inside = False
    for line in lines:
        if "| Plan " in line:
            inside = True
        if not inside and not LEFT_OUT.search(line):
            yield line
        if "Run exactly this:" in line:
            inside = False


def excerpt(log):
    directory = re.match(r"The demo plays in (.+); seed", log)
    text = (log.replace(directory[1], "build/demo") if directory else log).splitlines()
    lines = []
    parts = [
        [line for line in between(text, "$ backout deploy", "3  What would") if "$ backout" in line or "NOT good" in line],
        list(without_plan(between(text, "$ backout rollback", "$ backout status"))),
        list(without_plan(between(text, "$ backout resume", "5  v1 serves"))),
        [line for line in between(text, "What the customers saw", "It took") if line.strip()],
    ]
    for part in parts:
        for line in part:
            line = re.sub(r"^  (  \| |)", "", line).rstrip()
            line = re.sub(r"http://127\.0\.0\.1:\d+", "http://127.0.0.1:…", line)
            lines.append(line if len(line) <= WIDTH else line[: WIDTH - 4] + " ...")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def main():
    text = README.read_text()
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    block = excerpt(Path(sys.argv[1]).read_text())
    README.write_text(f"{text[:begin]}```\n{block}```\n{text[end:]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
