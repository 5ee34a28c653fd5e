"""Where the code of the site lies: release directories with a symlink, or one git checkout with what is built in it."""
import os
import subprocess

GIT = {**os.environ, "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1",
       **{f"GIT_{who}_{what}": "matrix" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}}


def git(directory, *arguments):
    return subprocess.run(["git", "-c", "safe.directory=*", "-C", directory, *arguments], env={**GIT, "GIT_OPTIONAL_LOCKS": "0"}, check=False,
                          capture_output=True, text=True)


class Releases:
    @staticmethod
    def words(site):
        return {"CODE": f"  layout: releases\n  path: {site}", "CURRENT": f"{site}/current", "BEFORE": ":",
                "CODE_OF_RELEASE": "$site/releases/$1",
                "SWITCH": 'ln -sfn "releases/$1" "$site/current.new"\nmv -T "$site/current.new" "$site/current"'}

    @staticmethod
    def build(site, write_release):
        for version in ("v1", "v2"):
            (site / "releases" / version).mkdir(parents=True)
            write_release(version, site / "releases" / version)

    @staticmethod
    def code(site):
        return site / "current"

    @staticmethod
    def current(site):
        return (site / "current").readlink().name if (site / "current").is_symlink() else "no symlink"

    @staticmethod
    def directory_of(version):
        return version

    def before_the_rollback(self, site):
        pass


class InPlace:
    """`kept`: whether the build that the checkpoint kept is still there for the rollback."""

    def __init__(self, kept):
        self.kept = kept

    @staticmethod
    def words(site):
        return {"CODE": f"  layout: in-place\n  path: {site}/code\n  keep_builds: [built]\n  build: [sh {site}/act.sh build]",
                "CURRENT": f"{site}/code", "CODE_OF_RELEASE": "$site/code", "SWITCH": ":",
                "BEFORE": 'git -C "$site/code" checkout -q -f "$1"\nrm -rf "$site/code/built"\nmkdir "$site/code/built"\n'
                          'cp "$site/code/VERSION" "$site/code/built/which"'}

    @staticmethod
    def build(site, write_release):
        code = site / "code"
        code.mkdir()
        git(code, "init", "-q", "-b", "main")
        for version in ("v1", "v2"):
            write_release(version, code)
            (code / ".gitignore").write_text("built/\n")
            git(code, "add", "-A")
            git(code, "commit", "-q", "-m", version)
            git(code, "tag", version)

    @staticmethod
    def code(site):
        return site / "code"

    @staticmethod
    def current(site):
        """The version, when the commit, every tracked file and what is built agree on it."""
        code = site / "code"
        commit = git(code, "describe", "--tags", "--exact-match").stdout.strip()
        which = code / "built" / "which"
        built = which.read_text() if which.exists() else "nothing"
        changed = git(code, "status", "--porcelain", "--", ".", ":!.backout").stdout.strip()
        left = [str(found.relative_to(code)) for found in (code / ".git").glob("backout-builds/aside-*/*") if found.is_dir()]
        wrong = [f"built is {built}"] * (built != commit) + [f"changed: {changed}"] * bool(changed) + [f"left aside: {left}"] * bool(left)
        return ", ".join([commit, *wrong])

    @staticmethod
    def directory_of(_):
        return "code"

    def before_the_rollback(self, site):
        if not self.kept:
            subprocess.run(["rm", "-rf", site / "code" / ".git" / "backout-builds"], check=True)


RELEASES = Releases()
LAYOUTS = {"releases": RELEASES, "in-place": InPlace(kept=True), "in-place-anew": InPlace(kept=False)}
