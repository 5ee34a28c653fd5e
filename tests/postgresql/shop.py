"""A real shop on a real PostgreSQL: deployed, written to all the time, and judged from outside."""
import json
import os
import shlex
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "support"))
from ports import free_port  # noqa: E402
BUILD = HERE.parent.parent / "build"

YAML = """site: shop
state: {root}/backout
base_url: http://127.0.0.1:{port}
hosts: {{local: {{root: {root}/target}}}}
code: {{layout: releases, path: {root}}}
services:
  - process: web
    start: {start}
    cwd: {root}/current
    env: {env}
    pidfile: {root}/run/web.pid
    log: {root}/log/web.log
    port: {port}
    drain: 5s
door: {{command: {{close: "touch {root}/door", open: "rm -f {root}/door", probe: "test -e {root}/door"}}}}
database:
  postgresql: {{dsn: "host={pg} user=backout", database: shop, tables: {tables}, fill: {fill}}}
{backups}
checks:
  - {{get: /health/, status: 200, contains: ok, send_header: {{x-behind: "1"}}, attempts: 20, every: 250ms}}
  - {{get: /version, contains: "{{{{version}}}}", send_header: {{x-behind: "1"}}}}
  - {{get: /selftest, status: 200, send_header: {{x-behind: "1"}}, attempts: 2}}
{more}
watch: {{first: 0s}}
"""


class App:
    """A folder with app.json and the releases v1, v2, ..., each as what it changes in the one before it; README.md has the keys."""

    def __init__(self, name):
        self.name, self.folder = name, HERE / "apps" / name
        for key, value in json.loads((self.folder / "app.json").read_text()).items():
            setattr(self, key, value)

    prepare, env = "", {}

    def copy_to(self, directory):
        shutil.copytree(self.folder, directory)
        if self.prepare:
            subprocess.run(["sh", self.folder / self.prepare, directory, BUILD], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


class Shop:
    def __init__(self, directory, backout, cluster, app, place=""):
        """`place`: more of CREATE DATABASE."""
        self.root, self.backout, self.cluster, self.app = Path(directory), str(Path(backout).resolve()), cluster, app
        self.root.mkdir(parents=True)
        self.port = free_port()
        self.words, self.kill, self.points = [], "", ""
        app.copy_to(self.root / "app")
        cluster.sql("postgres", "CREATE ROLE shop LOGIN")
        cluster.sql("postgres", "CREATE ROLE backout LOGIN CREATEDB; GRANT shop, pg_signal_backend TO backout")
        cluster.sql("postgres", "CREATE DATABASE shop OWNER shop " + place)
        self.write_yaml()
        self.run("sh", HERE / "deploy.sh", "v1")
        self.run(self.backout, "record", "v1")
        self.run(self.backout, "good", "v1")

    @property
    def start(self):
        return [word.format(port=self.port) for word in self.app.start]

    @property
    def service_environment(self):
        return {**self.app.env, "SHOP_PG": str(self.cluster.directory), "SHOP_DOOR": str(self.root / "door")}

    def write_yaml(self, more="", backups="", **changed):
        """backout.yaml; `changed` are entries of `database: postgresql` that differ."""
        values = {"root": self.root, "port": self.port, "pg": self.cluster.directory, "start": json.dumps(self.start),
                  "env": json.dumps(self.service_environment), "tables": json.dumps(self.app.tables), "fill": json.dumps(self.app.fill)}
        (self.root / "backout.yaml").write_text(YAML.format(**{**values, "more": more, "backups": backups, **changed}))

    @property
    def environment(self):
        return {**os.environ, **self.service_environment, "SHOP_ROOT": str(self.root), "SHOP_APP": str(self.root / "app"),
                "SHOP_PORT": str(self.port), "SHOP_MIGRATE": self.app.migrate, "SHOP_START": shlex.join(self.start),
                **({"BACKOUT_KILL": self.kill} if self.kill else {}), **({"BACKOUT_POINTS": str(self.points)} if self.points else {})}

    def run(self, *argv, status=0, limit=180):
        done = subprocess.run([str(word) for word in argv], cwd=self.root, env=self.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=limit)
        self.words.append(f"$ {' '.join(map(str, argv))}\n{done.stdout}-> {done.returncode}")
        if status is not None and done.returncode != status:
            raise AssertionError(f"ended in {done.returncode}, not {status}:\n" + "\n".join(self.words[-3:]))
        return done.stdout

    def deploy(self, version, status=0):
        return self.run(self.backout, "deploy", "--version", version, "--", "sh", HERE / "deploy.sh", version, status=status)

    def migrates(self, version):
        """Whether the release's migrator, run by hand, takes the database as it is; and its words."""
        done = subprocess.run(["sh", "-c", self.app.migrate], cwd=self.root / "releases" / version, env=self.environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return done.returncode == 0, done.stdout

    def holds(self, version):
        """What is not as app.json says of this release."""
        found = [(query, self.sql(query), wanted) for query, wanted in self.app.holds.get(version, [])]
        return [f"{version}: {query}: {value}, not {wanted}" for query, value, wanted in found if value != wanted]

    def ask(self, path, **fields):
        """(status, text); status 0: no answer."""
        data = urllib.parse.urlencode(fields).encode() if fields else None
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", data, 20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")
        except OSError as error:
            return 0, str(error)

    def sql(self, text, database="shop"):
        return self.cluster.sql(database, text)

    def end(self):
        pidfile = self.root / "run" / "web.pid"
        if pidfile.exists() and pidfile.read_text().strip():
            try:
                os.killpg(int(pidfile.read_text().split()[0]), 15)
            except ProcessLookupError:
                pass


FOREIGN_KEYS = """SELECT k.conrelid::regclass, a.attname, k.confrelid::regclass FROM pg_constraint k
JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1] WHERE k.contype = 'f' ORDER BY 1, 2"""


class Customers:
    """Some who order, have it shipped, and cancel, and remember what they were told."""

    def __init__(self, shop, count=3):
        self.shop, self.count = shop, count
        self.lock = threading.Lock()
        self.told, self.ids, self.gone, self.shipped, self.tried, self.closed = {}, [], set(), set(), 0, 0
        self.stopped = threading.Event()
        self.threads = []

    def begin(self):
        self.stopped.clear()
        self.threads = [threading.Thread(target=self.live, args=(number,), daemon=True) for number in range(self.count)]
        for thread in self.threads:
            thread.start()
        return self

    def end(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join()
        self.threads = []

    def live(self, number):
        turn = 0
        while not self.stopped.wait(0.02):
            with self.lock:
                self.tried += 1
                token = f"order-{self.tried:06d}"
            status, text = self.shop.ask("/order", token=token, customer=f"c{number}-{turn % 7}@example.com", note="ring twice")
            if status != 201:
                with self.lock:
                    self.closed += 1
                continue
            made = json.loads(text)["id"]
            with self.lock:
                self.told[token] = made
                self.ids.append(made)
            turn += 1
            if turn % 5 == 0 and self.shop.ask("/ship", token=token)[0] == 200:
                self.shipped.add(token)
            if turn % 7 == 0:
                status, text = self.shop.ask("/cancel", token=token)
                with self.lock:
                    if status == 200:
                        self.gone.add(token)
                    self.told.pop(token)  # not known, when there was no answer

    def have_ordered(self, more, seconds=60):
        goal, until = len(self.ids) + more, time.monotonic() + seconds
        while len(self.ids) < goal:
            if time.monotonic() > until:
                raise AssertionError(f"no {more} more orders in {seconds} s: {self.shop.ask('/health/')}")
            time.sleep(0.05)

    def judge(self):
        """What is not as the customers were told; empty when all is well. To be called when they rest."""
        faults = []
        there = [line.split("|") for line in self.shop.sql(f"SELECT token, id, status FROM {self.shop.app.orders}").splitlines()]
        count = {}
        for token, _, _ in there:
            count[token] = count.get(token, 0) + 1
        by_token = {token: (int(number), status) for token, number, status in there}
        for token, number in self.told.items():
            if count.get(token) != 1:
                faults.append(f"{token} was confirmed, and is there {count.get(token, 0)} times")
            elif by_token[token][0] != number:
                faults.append(f"{token} has id {by_token[token][0]}, and its customer was told {number}")
            elif token in self.shipped and by_token[token][1] != "shipped":
                faults.append(f"{token} was shipped, and is {by_token[token][1]}")
        faults += [f"{token} was cancelled, and is there" for token in self.gone if token in by_token]
        if len(set(self.ids)) != len(self.ids):
            faults.append("an id was given twice")
        following = int(self.shop.sql(f"SELECT nextval(pg_get_serial_sequence('{self.shop.app.orders}', 'id'))"))
        if self.ids and following <= max(self.ids):
            faults.append(f"the next id would be {following}, and {max(self.ids)} was given already")
        for child, key, parent in (line.split("|") for line in self.shop.sql(FOREIGN_KEYS).splitlines()):
            lost = self.shop.sql(f"SELECT count(*) FROM {child} c WHERE {key} IS NOT NULL AND NOT EXISTS "
                                 f"(SELECT FROM {parent} p WHERE p.id = c.{key})")
            if lost != "0":
                faults.append(f"{lost} rows of {child} whose {key} is not there")
        return faults[:20]
