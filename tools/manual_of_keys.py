"""docs/configuration.md as the manual page backout.yaml(5). The page of documentation is made from the table of keys, and so is this."""
import re


def escaped(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text[:1] in (".", "'") else text


def inline(text):
    """`code` and **bold** as bold, *emphasis* as italic, [words](link) as words."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    parts = re.split(r"(`[^`]*`|\*\*[^*]*\*\*|(?<!\w)\*[^*]+\*(?!\w))", text)
    made = ""
    for part in parts:
        if part.startswith("`") and part.endswith("`") and len(part) > 1:
            made += f"\\fB{escaped(part[1:-1])}\\fR"
        elif part.startswith("**"):
            made += f"\\fB{escaped(part[2:-2])}\\fR"
        elif part.startswith("*") and len(part) > 2:
            made += f"\\fI{escaped(part[1:-1])}\\fR"
        else:
            made += part.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + made if made[:1] in (".", "'") else made


def cells(row):
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", row)[1:-1]]


def page(markdown, version):
    lines = [
        '.\\" Made by tools/make_man.py from docs/configuration.md. Do not edit.',
        f'.TH BACKOUT.YAML 5 "" "backout {version}" "File Formats"', ".SH NAME", "backout.yaml \\- describes a site to backout(1)",
        ".SH DESCRIPTION",
    ]
    paragraph = []

    def end():
        if paragraph:
            lines.extend([inline(" ".join(paragraph)), ".PP"])
            paragraph.clear()

    for line in markdown.splitlines()[1:]:
        if line.startswith("## "):
            end()
            lines.append(f".SH {escaped(line[3:].upper())}")
        elif re.match(r"\|[-|: ]+\|$", line) or line.startswith("| key |"):
            end()
        elif line.startswith("|"):
            key, takes, otherwise, meaning = cells(line)
            words = inline(meaning) + ("" if meaning.endswith((".", "?", "!")) else ".")
            if "required" in otherwise:
                words += " Required."
            elif otherwise:
                words += f" When left out: {inline(otherwise)}."
            lines += [".TP", f"{inline(key)} ({inline(takes)})", words]
        elif line.startswith("- "):
            end()
            lines += [".IP \\(bu 2"]
            paragraph.append(line[2:])
        elif line.startswith("```"):
            end()
        elif not line.strip():
            end()
        else:
            paragraph.append(line.strip())
    end()
    lines += [".SH SEE ALSO", "\\fBbackout\\fR(1)"]
    return "\n".join(lines) + "\n"
