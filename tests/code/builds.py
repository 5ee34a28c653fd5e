"""Checkouts built in place by the real pip, poetry, npm and bundler: the build is kept, put back, built anew, put back after failing."""
import base64
import hashlib
import shutil
import zipfile

from site_of import Site, expect, expect_words


def wheel(directory, version):
    """A wheel of the module `tea`, as pip wants it. Nothing is fetched from anywhere."""
    info = f"tea-{version}.dist-info"
    files = {"tea.py": f"VERSION = '{version}'\n",
             f"{info}/METADATA": f"Metadata-Version: 2.1\nName: tea\nVersion: {version}\n",
             f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
    record = ""
    for name, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += f"{name},sha256={digest},{len(text)}\n"
    files[f"{info}/RECORD"] = record + f"{info}/RECORD,,\n"
    directory.mkdir(exist_ok=True)
    with zipfile.ZipFile(directory / f"tea-{version}-py3-none-any.whl", "w") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), text)


class Pip:
    """A virtualenv beside the checkout."""
    needs = ("/usr/bin/python3",)
    keeps = ("../venv",)
    build = ("/usr/bin/python3 -m venv --system-site-packages ../venv",
             "../venv/bin/pip install -q --no-index --find-links wheels -r requirements.txt")
    version = "../venv/bin/python -c 'import tea; print(tea.VERSION[0])'"

    @staticmethod
    def write(site, work, version):
        wheel(work / "wheels", f"{version}.0")
        (work / "requirements.txt").write_text(f"tea=={version}.0\n")


class Poetry:
    needs = ("/usr/bin/poetry",)
    keeps = (".venv",)
    build = ("POETRY_VIRTUALENVS_IN_PROJECT=true PYTHON_KEYRING_BACKEND=keyring.backends.null.Keyring /usr/bin/poetry install -n --no-root",)
    version = ".venv/bin/python -c 'import tea; print(tea.VERSION[0])'"

    @staticmethod
    def write(site, work, version):
        wheel(work / "wheels", f"{version}.0")
        (work / ".gitignore").write_text(".venv/\n")
        (work / "pyproject.toml").write_text(f"""\
[tool.poetry]
name = "shop"
version = "{version}.0.0"
description = ""
authors = []
[tool.poetry.dependencies]
python = "^3.11"
tea = {{path = "wheels/tea-{version}.0-py3-none-any.whl"}}
""")
        site.sh("POETRY_VIRTUALENVS_IN_PROJECT=true PYTHON_KEYRING_BACKEND=keyring.backends.null.Keyring /usr/bin/poetry lock -q -n; rm -rf .venv",
                work)


class Npm:
    needs = ("npm", "node")
    keeps = ("node_modules",)
    build = ("npm ci --offline --no-audit --no-fund --silent",)
    version = "node -e 'console.log(require(\"tea\")[0])'"

    @staticmethod
    def write(site, work, version):
        dependency = site.base / "dependency"
        dependency.mkdir(exist_ok=True)
        (dependency / "package.json").write_text(f'{{"name": "tea", "version": "{version}.0.0", "main": "tea.js"}}\n')
        (dependency / "tea.js").write_text(f"module.exports = '{version}.0.0'\n")
        (work / ".gitignore").write_text("node_modules/\n")
        (work / "package.json").write_text(
            f'{{"name": "shop", "version": "{version}.0.0", "dependencies": {{"tea": "file:tea-{version}.0.0.tgz"}}}}\n')
        site.sh(f"npm pack --silent --pack-destination {work}", dependency)
        site.sh("rm -f package-lock.json; npm install --offline --package-lock-only --no-audit --no-fund --silent", work)


class Bundler:
    """Not ignored by git, which is no reason to lose it."""
    needs = ("bundle", "gem", "ruby")
    keeps = ("vendor/bundle",)
    build = ("BUNDLE_PATH=vendor/bundle BUNDLE_FROZEN=true bundle install --local --quiet",)
    version = "BUNDLE_PATH=vendor/bundle bundle exec ruby -e 'require \"tea\"; puts Tea::VERSION[0]'"

    @staticmethod
    def write(site, work, version):
        gem, cache = site.base / "gem", work / "vendor" / "cache"
        (gem / "lib").mkdir(parents=True, exist_ok=True)
        cache.mkdir(parents=True, exist_ok=True)
        (gem / "lib" / "tea.rb").write_text(f"module Tea; VERSION = '{version}.0'; end\n")
        (gem / "tea.gemspec").write_text(f"Gem::Specification.new {{ |s| s.name = 'tea'; s.version = '{version}.0'; s.summary = 'tea'; "
                                         "s.authors = ['a']; s.files = ['lib/tea.rb'] }\n")
        site.sh(f"gem build -q -o {cache}/tea-{version}.0.gem tea.gemspec", gem)
        (work / "Gemfile").write_text(f"source 'https://rubygems.org'\ngem 'tea', '{version}.0'\n")
        site.sh("rm -f Gemfile.lock; bundle lock --local --quiet 2>/dev/null || bundle install --local --quiet --path vendor/bundle", work)
        site.sh("rm -rf vendor/bundle .bundle", work)


TOOLS = {"pip": Pip, "poetry": Poetry, "npm": Npm, "bundler": Bundler}


def missing(tool):
    return ", ".join(name for name in TOOLS[tool].needs if not shutil.which(name))


def prepare(base, backout, tool):
    """v1 was built and is known-good; v2 was deployed over it by the team's own script."""
    kind = TOOLS[tool]
    site = Site(base, backout)
    site.repository(lambda version: kind.write(site, site.base / "work", version))
    first = f"echo began >>{site.base}/built.log; test ! -e {site.base}/break-the-build"
    lines = [first, *kind.build]
    build = "".join(f"    - '{line.replace(chr(39), chr(39) * 2)}'\n" for line in lines)
    site.configure(f"code:\n  layout: in-place\n  path: shop\n  keep_builds: [{', '.join(kind.keeps)}]\n  build:\n{build}",
                   "  - run: '" + f'test "v$({kind.version})" = {{{{version}}}} && test "$(cat VERSION)" = {{{{version}}}}'.replace("'", "''") +
                   "'\n    name: what is installed\n    attempts: 1")
    (site.base / "deploy.sh").write_text(f"set -e\ncd {site.shop}\ngit checkout -q $1\n" + "\n".join(kind.build) + "\n")
    site.sh("sh deploy.sh v1")
    site.must("record", "v1")
    site.must("good", "v1")
    site.must("deploy", "--version", "v2", "--", "sh", str(site.base / "deploy.sh"), "v2")
    return site


def serves(site, tool, version):
    """By another way than backout's."""
    seen = site.sh(TOOLS[tool].version, site.shop)
    head = site.sh("git describe --tags --exact-match", site.shop)
    return expect((seen, head) == (version, f"v{version}"), f"installed is {seen!r} at {head!r}, expected {version!r}")


def whole_life(base, backout, tool):
    site = prepare(base, backout, tool)
    kept = [(site.shop / one).resolve() for one in TOOLS[tool].keeps]
    faults = []

    (site.base / "break-the-build").write_text("")
    site.sh("mv .git/backout-builds ../away", site.shop)
    before = site.fingerprint(*kept)
    ended = site.rollback()
    faults += expect(ended.status == 1, f"a build that fails: exit status {ended.status}\n{ended.output}")
    faults += expect_words(ended, "Everything was put back")
    faults += expect(site.fingerprint(*kept) == before, "a build that fails: the directories are not the very same as before")
    faults += serves(site, tool, "2")
    (site.base / "break-the-build").unlink()
    site.sh("rm -rf .git/backout-builds; mv ../away .git/backout-builds", site.shop)

    begun = site.built()
    ended = site.rollback()
    faults += expect(ended.status == 0, f"back: exit status {ended.status}\n{ended.output}")
    faults += serves(site, tool, "1")
    faults += expect(site.built() == begun, "back: it was built anew, though the build was kept")

    ended = site.rollback("--forward")
    faults += expect(ended.status == 0, f"forward: exit status {ended.status}\n{ended.output}")
    faults += serves(site, tool, "2")
    faults += expect(site.built() == begun, "forward: it was built anew, though the build was kept")

    site.sh("rm -rf .git/backout-builds", site.shop)
    ended = site.rollback("v1")
    faults += expect(ended.status == 0, f"back without a kept build: exit status {ended.status}\n{ended.output}")
    faults += serves(site, tool, "1")
    faults += expect(site.built() == begun + 1, f"back without a kept build: the build began {site.built() - begun} times")
    return faults


CASES = {f"builds-{tool}": (lambda base, backout, tool=tool: whole_life(base, backout, tool), lambda tool=tool: missing(tool)) for tool in TOOLS}
