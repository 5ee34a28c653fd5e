"""Go: one binary under systemd, a directory for each release, no database. v3 works until twenty links were followed.

The liar is systemctl: start and restart end with 0, and nothing was started; what is to stop is not stopped either.
"""
from pathlib import Path

import machine
from customers import Customers
from machine import sh
from project import Project

URL = "http://127.0.0.1:8080"


class Links(Project):
    NAME = "links"
    BAD_DEPLOY_ENDS = (0,)
    LIAR = "systemctl"
    LIE = 'case $1 in start | stop | restart) lied; exit 0 ;; esac\nexec @REAL@ "$@"'
    NAMES = ("'stop-links.service'", "does not end")

    def __init__(self, folder):
        super().__init__(folder)
        self.customers = Customers(lambda token: machine.get(f"{URL}/add", f"name={token}&to=http://other.example")[0] == 201)

    def prepare(self):
        sh("systemctl enable -q links")

    def break_later(self):
        for _ in range(25):
            machine.get(f"{URL}/l/{self.customers.told[0]}")

    def tokens_matter(self):
        return True

    def kept(self):
        return {part for part in Path("/srv/links/data/links.jsonl").read_text().split('"') if part.startswith("token-")}

    def faults(self, version):
        first = self.customers.told[0]
        program = [f"process {pid} runs {at}" for pid in machine.processes("/srv/links/current/links")
                   if (at := str(Path(f"/proc/{pid}/exe").resolve())) != f"/srv/links/releases/{version}/links"]
        return [*self.release_is(version), *program,
                *self.runs_from("/srv/links/current/links", f"/srv/links/releases/{version}"),
                *self.page(f"{URL}/version", text=version), *self.page(f"{URL}/l/{first}", status=302)]


PROJECT = Links
