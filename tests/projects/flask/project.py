"""Flask: gunicorn under systemd behind nginx, release directories, SQLite. v3 renames a column and forgets a template.

The liar is pip: it ends with 0 and has installed nothing. That matters when the old release has to be built again.
"""
import shutil
import zipfile
from pathlib import Path

import machine
from customers import Customers
from machine import sh
from project import LIED, Project


class Notes(Project):
    NAME = "notes"
    DATABASE, TOKENS = "/srv/notes/data/notes.sqlite3", "notes.text"
    LIAR = "pip"
    NAMES = ("'check-", "http://127.0.0.1:8000/")

    def __init__(self, folder):
        super().__init__(folder)
        self.customers = Customers(lambda token: machine.get("http://notes.example/notes", f"text={token}")[0] == 201)

    def vendor(self, work):
        """A wheel of the team's own, as vendored packages are."""
        (work / "vendor").mkdir(exist_ok=True)
        with zipfile.ZipFile(work / "vendor" / "slugs-1.0-py3-none-any.whl", "w") as wheel:
            for name, text in {
                "slugs.py": "def slug(text):\n    return '-'.join(text.lower().split())\n",
                "slugs-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: slugs\nVersion: 1.0\n",
                "slugs-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: team\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
                "slugs-1.0.dist-info/RECORD": "slugs.py,,\nslugs-1.0.dist-info/METADATA,,\nslugs-1.0.dist-info/WHEEL,,\n"
                                              "slugs-1.0.dist-info/RECORD,,\n",
            }.items():
                wheel.writestr(zipfile.ZipInfo(name), text)

    def prepare(self):
        sh("echo 127.0.0.1 notes.example >>/etc/hosts; systemctl enable -q notes; systemctl start nginx")

    def tell_the_lie(self):
        """Somebody has tidied up: v2 must be built again."""
        shutil.rmtree("/srv/notes/releases/v2")
        self.pip = Path("/usr/lib/python3/dist-packages/pip/__main__.py")
        self.true_pip = self.pip.read_text()
        self.pip.write_text(f"open({str(LIED)!r}, 'a').write('lied')\nraise SystemExit(0)\n")

    def end_the_lie(self):
        self.pip.write_text(self.true_pip)

    def faults(self, version):
        url = "http://notes.example"
        return [*self.release_is(version),
                *self.runs_from("gunicorn --workers", f"/srv/notes/releases/{version}", at_least=3),
                *self.page(f"{url}/version", text=version), *self.page(f"{url}/", text="<h1>Notes"),
                *self.page(f"{url}/healthz", text="ok")]


PROJECT = Notes
