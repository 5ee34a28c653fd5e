#!/usr/bin/python3
"""Makes what the package holds beside the program from the program's own words, so that there is one source for each:
packaging/backout.1 from --help, packaging/backout.yaml.5 from docs/configuration.md (which is made from the table of keys), and
packaging/completions/ from `backout completion`.

    make_man.py BACKOUT            writes them
    make_man.py --check BACKOUT    exit status 1 when a committed file is another
"""
import re
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
import manual_of_keys  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
COMPLETIONS = {"bash": "backout.bash", "zsh": "_backout", "fish": "backout.fish"}
HEADING = re.compile(r"^(Options|Positionals|Subcommands):$")
ENTRY = re.compile(r"^  (\S.*?)(?:  +(.*))?$")

FILES = [
    ("backout.yaml", "the site: backout.yaml(5)"),
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


def version_of(program):
    return subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout.split()[-1]


def page(program):
    version = version_of(program)
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


def made(program):
    """file -> what it should hold."""
    files = {"packaging/backout.1": page(program),
             "packaging/backout.yaml.5": manual_of_keys.page((ROOT / "docs" / "configuration.md").read_text(), version_of(program))}
    for shell, name in COMPLETIONS.items():
        files[f"packaging/completions/{name}"] = subprocess.run(
            [program, "completion", shell], check=True, capture_output=True, text=True).stdout
    return files


def main():
    check, program = "--check" in sys.argv, sys.argv[-1]
    status = 0
    for name, text in made(program).items():
        file = ROOT / name
        if not check:
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
        elif not file.exists() or file.read_text() != text:
            print(f"{name} is not what {program} says of itself. Mend it: tools/make_man.py {program}")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
