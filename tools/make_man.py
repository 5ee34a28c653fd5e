#!/usr/bin/python3
"""Makes packaging/backout.1 from the program's own --help, so that there is one source for both.

    make_man.py BACKOUT            writes the page
    make_man.py --check BACKOUT    exit status 1 when the committed page is another
"""
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "packaging" / "backout.1"
HEADING = re.compile(r"^(Options|Positionals|Subcommands):$")
ENTRY = re.compile(r"^  (\S.*?)(?:  +(.*))?$")

FILES = [
    ("backout.yaml", "the site; every key is described in docs/configuration.md"),
    ("/var/lib/backout", "the state directory of root: the journal, checkpoints, what runs kept. Of others: $XDG_STATE_HOME/backout"),
]
ENVIRONMENT = [
    ("BACKOUT_STATE", "the state directory, unless --state is given"),
    ("BACKOUT_ACTOR", "who is acting, for the record"),
    ("NO_COLOR", "no colours"),
]


def escaped(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text[:1] in (".", "'") else text


class Help:
    """What one --help says: words, usage, entries by heading, and what stands below."""

    def __init__(self, text):
        self.about, self.usage, self.entries, self.footer = [], "", {}, []
        heading, below = None, False
        for line in text.splitlines():
            if match := HEADING.match(line):
                heading, below = match[1], False
                self.entries[heading] = []
            elif line.startswith("Usage:"):
                self.usage = re.sub(r"^Usage: \S+ ?", "", line)
            elif not line.strip():
                below = heading is not None
            elif heading and not below and line.startswith(" "):
                match = ENTRY.match(line)
                if match:
                    self.entries[heading].append([match[1], match[2] or ""])
                elif self.entries[heading]:  # a description that began a line further down, or goes on
                    last = self.entries[heading][-1]
                    last[1] = f"{last[1]} {line.strip()}".strip()
            elif heading:
                self.footer.append(line.strip())
            else:
                self.about.append(line.strip())


def help_of(program, *words):
    return Help(subprocess.run([program, *words, "--help"], check=True, capture_output=True, text=True).stdout)


def commands(program, *words):
    """(words, help) of every command that does something, in the program's order."""
    for name, _ in help_of(program, *words).entries.get("Subcommands", []):
        own = help_of(program, *words, name)
        if own.entries.get("Subcommands"):
            yield from commands(program, *words, name)
        else:
            yield (*words, name), own


def entries(rows):
    return [line for name, words in rows for line in (".TP", f"\\fB{escaped(name)}\\fR", escaped(words) or "\\&")]


def page(program):
    version = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout.split()[-1]
    top = help_of(program)
    own = {name for name, _ in top.entries["Options"]}
    lines = [
        '.\\" Made by tools/make_man.py from backout --help. Do not edit.',
        f'.TH BACKOUT 1 "" "backout {version}" "User Commands"', ".SH NAME", "backout \\- takes a broken production release back to known good",
        ".SH SYNOPSIS", ".B backout", "[\\fIOPTIONS\\fR] \\fICOMMAND\\fR [\\fIARGUMENTS\\fR]", ".SH DESCRIPTION", *map(escaped, top.about),
        ".SH OPTIONS", *entries(top.entries["Options"]), ".SH COMMANDS",
    ]
    for words, command in commands(program):
        lines += [f".SS backout {escaped(' '.join(words))} {escaped(usage(command, words))}".rstrip(), *map(escaped, command.about)]
        lines += entries(row for row in command.entries.get("Positionals", []))
        lines += entries(row for row in command.entries.get("Options", []) if row[0] not in own)
    lines += [".SH EXIT STATUS", *map(escaped, top.footer), ".SH FILES", *entries(FILES), ".SH ENVIRONMENT", *entries(ENVIRONMENT)]
    return "\n".join(lines) + "\n"


def usage(command, words):
    """What the usage line has after the command's own words: its positionals."""
    text = command.usage
    for word in words:
        text = re.sub(rf"^{re.escape(word)} ?", "", text)
    return re.sub(r"\[OPTIONS\] ?|\[SUBCOMMAND\] ?", "", text).strip()


def main():
    check, program = "--check" in sys.argv, sys.argv[-1]
    made = page(program)
    if not check:
        PAGE.write_text(made)
        return 0
    if not PAGE.exists() or PAGE.read_text() != made:
        print(f"{PAGE.name} is not what {program} says of itself. Mend it: tools/make_man.py {program}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
