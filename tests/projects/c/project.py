"""A C program: one checkout, make, a process that the deploy script starts; SQLite. v3 shows a column that is not there.

The liar is make: it ends with 0 and has built nothing, so the checkout is v2 and the program is not.
"""
from pathlib import Path

import machine
from customers import Customers
from machine import sh
from project import Project

URL = "http://127.0.0.1:8090"


class Guestbook(Project):
    NAME = "guestbook"
    DATABASE, TOKENS = "/var/lib/guestbook/guestbook.db", "entries.text"
    LIAR = "make"
    LIE = "lied; exit 0"
    NAMES = ("'check-", "expected version v2, got v4 | no such column")

    def __init__(self, folder):
        super().__init__(folder)
        self.customers = Customers(lambda token: machine.get(f"{URL}/entries", token)[0] == 201)

    def prepare(self):
        sh("mkdir /var/lib/guestbook && git clone -q /srv/git/guestbook.git /srv/guestbook")

    def faults(self, version):
        found = machine.processes("./guestbook 8090")
        program = [f"process {pid} runs {at}" for pid in found if "deleted" in (at := str(Path(f"/proc/{pid}/exe").readlink()))]
        return [*self.checkout_is(version, self.root), *program, *([] if len(found) == 1 else [f"{len(found)} programs"]),
                *self.page(f"{URL}/version", text=version), *self.page(f"{URL}/", text="Guest book"),
                *self.page(f"{URL}/health", text="ok")]


PROJECT = Guestbook
