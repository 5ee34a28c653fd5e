"""Django: gunicorn, a queue worker and a beat under supervisor; nginx has the static files; one checkout, one virtualenv, SQLite.

v3 takes a column away that its own page still asks for. The liar is supervisorctl: it says RUNNING for what it did not start.
"""
import re
import sqlite3
from pathlib import Path

import machine
from customers import Customers
from machine import sh
from project import Project

URL = "http://library.example"
PROGRAMS = {"gunicorn --workers": 3, "manage.py worker": 1, "manage.py beat": 1}


class Library(Project):
    NAME = "library"
    DATABASE, TOKENS = "/srv/library/data/library.sqlite3", "shelves_book.title"
    LIAR = "supervisorctl"
    # The first start says that it started; from then on status says RUNNING, as it did before the stop, until the next stop.
    LIE = r'''last=/run/supervisorctl-said lied=/run/supervisorctl-lied
case " $* " in
*" start "*) [ -e $lied.once ] || { touch $lied $lied.once; lied; echo "started"; exit; } ;;
*" stop "*) rm -f $lied ;;
*" status "*) if [ -e $lied ]; then cat $last; exit; fi
  now=$(@REAL@ "$@"); case $now in *RUNNING*RUNNING*RUNNING*) echo "$now" >$last ;; esac; echo "$now"; exit ;;
esac
exec @REAL@ "$@"'''
    # The worker is started first; which of them is seen first not to be there is a matter of moments.
    NAMES = ("'start-library-library-worker' | 'start-library-library-web'", "is not running | does not serve")

    def __init__(self, folder):
        super().__init__(folder)
        self.root = Path("/srv/library/app")
        self.customers = Customers(lambda token: machine.get(f"{URL}/books/", f"title={token}")[0] == 201)

    def prepare(self):
        sh("echo 127.0.0.1 library.example >>/etc/hosts; mkdir -p /srv/library/data /srv/library/static;"
           " git clone -q /srv/git/library.git /srv/library/app; head -c 30 /dev/urandom | base64 >/srv/library/app/secret_key;"
           " chown www-data: /srv/library/app/secret_key; chmod 600 /srv/library/app/secret_key;"
           " systemctl start nginx supervisor; for i in $(seq 200); do supervisorctl pid && break; sleep 0.1; done")

    def faults(self, version):
        found = [fault for word, least in PROGRAMS.items() for fault in self.runs_from(word, "/srv/library/app", at_least=least)]
        style = re.search('href="(/static/[^"]*css)"', machine.get(f"{URL}/")[1])
        found += self.page(URL + style[1], text="sans-serif") if style else ["the page has no style sheet"]
        switched = Path("/srv/library/app/.git/HEAD").stat().st_mtime
        old = [pid for word in PROGRAMS for pid in machine.processes(word) if Path(f"/proc/{pid}").stat().st_mtime < switched - 1]
        found += [f"process {pid} is older than the checkout" for pid in old]
        return [*self.checkout_is(version, "/srv/library/app"), *found,
                *self.page(f"{URL}/version", text=version), *self.page(f"{URL}/", text="<h1>Library"),
                *self.page(f"{URL}/health/", text="ok"), *self.works_on()]

    def works_on(self):
        """Worker and beat: no task is left for long, and there are new ones."""
        database = sqlite3.connect(f"file:{self.DATABASE}?mode=ro", uri=True, timeout=10)
        (left,), (dust,) = (database.execute(f"SELECT count(*) FROM shelves_task WHERE {what}").fetchone() for what in (
            "done IS NULL", "kind = 'dust' AND done > datetime('now', '-4 seconds')"))
        database.close()
        found = [] if dust else ["the beat has made no task for 4 seconds"]
        return found + ([f"{left} tasks are not done"] if left > 20 else [])


PROJECT = Library
