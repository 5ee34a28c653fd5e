"""One machine on which the target must be fetched from git and built; and what can be taken away from that."""
import os
import shutil
import subprocess

import gone
from gone import Gone
from shop import away, read_only, seen_as, without_program

SITES = 1


class Site(gone.Site):
    def __init__(self, base, backout):
        super().__init__(base, backout)
        self.words["BASE"] = self.base

    def build(self):
        self.put("backout.yaml", self.template("built.yaml"))
        source = self.root / "source"
        source.mkdir()
        self.git("init", "-q", "-b", "main")
        for version in ("v1", "v2"):
            self.put("source/VERSION", version + "\n")
            self.put("source/Makefile", "made:\n\tcp VERSION made\n")
            self.git("add", "-A")
            self.git("-c", "user.name=tester", "-c", "user.email=tester@localhost", "commit", "-qm", version)
            self.git("tag", version)
        self.put("site/releases/v2/made", "v2\n")
        (self.root / "site" / "current").symlink_to("releases/v2")
        self.must("record", "v1")
        self.must("good", "v1")
        self.must("record", "v2")

    def git(self, *words):
        return subprocess.run(["git", "-C", self.root / "source", *words], check=True, capture_output=True, text=True)


def the_tag_is_gone(site):
    commit = site.git("rev-parse", "v1").stdout.strip()
    site.git("tag", "-d", "v1")
    return gone.Taken(lambda: site.git("tag", "v1", commit))


def what_the_build_calls_fails(site):
    """The program is there, and does not do what it did: only building tells."""
    return gone.Taken(inside='mount --bind /bin/false "$(readlink -f "$(command -v cp)")"')


GONE = {
    "the-tag": Gone(the_tag_is_gone, "step.look", ("no tag v1",)),
    "the-repository": Gone(away("@ROOT@/source"), "step.look", ("@ROOT@/source",)),
    "git": Gone(without_program("git"), "tool", ("git",), ("code.look", "step.look"), needs_root=True),
    "the-build-tool": Gone(without_program("make"), "tool", ("make",), needs_root=True),
    "the-right-to-write-releases": Gone(read_only("@ROOT@/site"), "writable", ("@ROOT@/site",), needs_root=True),
    "room-for-another-release": Gone(
        seen_as("mkdir @BASE@/site; cp -a @ROOT@/site/. @BASE@/site; mount -t tmpfs -o size=1m none @ROOT@/site; "
                "cp -a @BASE@/site/. @ROOT@/site"),
        "room", ("@ROOT@/site",), needs_root=True),
    "a-build-that-works": Gone(what_the_build_calls_fails, "code.build", ("v1",), prove=True, needs_root=True),
}


def missing():
    return "" if shutil.which("git") and shutil.which("make") and os.path.exists("/usr/bin/unshare") else "git, make, unshare"
