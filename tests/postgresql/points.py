"""Moments that pgBackRest brings back: a checkpoint without a dump, a moment that a person names, and what `ready` says of the repository."""
import json
import os
import signal
import subprocess
import time
from pathlib import Path

from cluster import Cluster
from judge import expect, judged, rollback, serves
from shop import Customers, Shop


class Archived:
    """A server that archives its log into a repository of its own, and a shop on it."""

    def __init__(self, directory, backout, app, how):
        # pgBackRest makes every file durable: in memory where there is one, or a busy disk makes minutes of it.
        memory = Path("/dev/shm")
        self.cluster = Cluster("archive_mode=on\narchive_command='false'\nautovacuum=off", memory if memory.is_dir() else None)
        self.shop = None
        try:
            self.begin(directory, backout, app, how)
        except Exception:
            self.end()
            raise

    def begin(self, directory, backout, app, how):
        at = self.cluster.directory
        self.sides, self.config = at / "sides", at / "pgbackrest.conf"
        self.cluster.as_postgres("mkdir", self.sides, at / "lock")
        self.config.write_text(f"[global]\nrepo1-path={at}/repo\nlock-path={at}/lock\nlog-level-file=off\nstart-fast=y\nrepo1-retention-full=9\n"
                               f"[shop]\npg1-path={self.cluster.data}\npg1-socket-path={at}\n")
        self.cluster.sql("postgres", f"ALTER SYSTEM SET archive_command = 'test ! -e {at}/stuck && pgbackrest --config={self.config} --stanza=shop archive-push %p'")
        self.cluster.reload()
        for words in (["stanza-create"], ["--type=full", "backup"]):
            self.pgbackrest(*words)
        self.shop = Shop(directory, backout, self.cluster, app)
        self.cluster.sql("postgres", "GRANT EXECUTE ON FUNCTION pg_create_restore_point(text), pg_switch_wal() TO backout")
        self.write_yaml(how)

    def pgbackrest(self, *words):
        self.cluster.as_postgres("pgbackrest", f"--config={self.config}", "--stanza=shop", *words)

    def write_yaml(self, how, **changed):
        self.shop.write_yaml(fill=json.dumps(self.shop.app.fill) +
                             f", pgbackrest: {{stanza: shop, config: {self.config}, directory: {self.sides}, {how}archive_wait: 30s}}", **changed)

    def left(self):
        """Directories and processes of clusters that were restored beside, and databases that are not whole."""
        working = subprocess.run(["pgrep", "-af", str(self.sides)], capture_output=True, text=True).stdout.splitlines()
        return [path.name for path in self.sides.iterdir()] + working + [name for name in self.cluster.databases() if "_part_" in name]

    def end(self):
        if self.shop:
            self.shop.end()
        for pid in subprocess.run(["pgrep", "-f", f"{self.cluster.directory}/sides/"], capture_output=True, text=True).stdout.split():
            subprocess.run(["kill", "-KILL", pid], stderr=subprocess.DEVNULL)
        time.sleep(0.2)
        self.cluster.remove()


def on_an_archived_site(case, how="dump: false, "):
    def run(directory, backout, app):
        site = Archived(directory, backout, app, how)
        try:
            case(site, site.shop)
            expect(site.left() == [], f"left: {site.left()}")
        except Exception as error:
            raise AssertionError(f"{error}\n" + "\n".join(site.shop.words)) from error
        finally:
            site.end()
    return run


def point(site, shop):
    """A checkpoint is a place in the log, proved by restoring it; back from it under load, aborted once, and forward again."""
    customers = Customers(shop).begin()
    customers.have_ordered(20)
    shop.deploy("v2")
    customers.have_ordered(20)
    dumps = list((shop.root / "backout").glob("**/*.dump"))
    expect(dumps == [], f"dumped all the same: {dumps}")
    said = shop.run(shop.backout, "-v", "ready", status=None)
    for words in ("pgBackRest: the newest backup of shop is", "is in the archive up to", "restored and compared when it was taken"):
        expect(words in said, f"not said: {words}\n{said}")
    plan = shop.run(shop.backout, "plan")
    for words in ("restore the stanza shop up to", "into a cluster beside", "inserted"):
        expect(words in plan, f"not said: {words}\n{plan}")
    site.write_yaml("dump: false, ", more="  - {run: 'false', name: never, attempts: 1}")
    shop.run(shop.backout, *rollback(True), status=1)
    serves(shop, "v2")
    expect(site.left() == [], f"left after an abort: {site.left()}")
    site.write_yaml("dump: false, ")
    customers.have_ordered(10)
    shop.run(shop.backout, *rollback(True))
    serves(shop, "v1")
    customers.have_ordered(20)
    judged(customers, "v1")
    customers.begin()
    shop.run(shop.backout, *rollback(False))
    customers.have_ordered(20)
    judged(customers, "v2")


def moment(site, shop):
    """A person names a moment; the dump of a checkpoint that is damaged is stood in for by the log."""
    customers = Customers(shop).begin()
    customers.have_ordered(20)
    shop.deploy("v2")
    customers.have_ordered(10)
    then = shop.sql("SELECT clock_timestamp() AT TIME ZONE 'UTC'")
    for time_, words in (("2001-01-01 00:00:00+00", "was taken after"), ("2999-01-01 00:00:00+00", "is not over yet"), ("yesterday", "with its time zone"),
                         (f"{then[:19]}Z", "was not one for v1")):
        said = shop.run(shop.backout, "plan", "--to-time", time_, status=None)
        expect(words in said and not shop.words[-1].endswith("-> 0"), f"not said of {time_}: {words}\n{said}")
    then = earlier(shop)
    plan = shop.run(shop.backout, "plan", "--to-time", then)
    for words in ("pgBackRest's backup", f"played until {then[:19]}", "compared with the schema alone"):
        expect(words in plan, f"not said: {words}\n{plan}")
    expect(site.left() == [], f"left by a plan: {site.left()}")
    shop.run(shop.backout, "rollback", "--to-time", then, "--yes", "--reason", "a test")
    serves(shop, "v1")
    customers.have_ordered(10)
    judged(customers, "v1")


def earlier(shop):
    """A moment in the time of v1: right after the checkpoint."""
    manifest = json.loads(next((shop.root / "backout").glob("**/checkpoints/**/*.manifest.json")).read_text())
    return manifest["taken_at"].replace("T", " ").replace("Z", "+00")


def damaged(site, shop):
    """The dump of the checkpoint is cut off, and the place in the log stands in; what is wrong with the repository is said before anything is done."""
    customers = Customers(shop).begin()
    customers.have_ordered(10)
    shop.deploy("v2")
    customers.have_ordered(10)
    data = max((shop.root / "backout").glob("**/checkpoints/**/*.dat.gz"), key=lambda path: path.stat().st_size)
    os.truncate(data, data.stat().st_size // 2)
    plan = shop.run(shop.backout, "plan")
    expect("in the log of pgBackRest's stanza shop" in plan and "will not do" in plan, plan)
    for word, wrong, words in (("stanza: shop", "stanza: shoe", "no backup of the stanza shoe"), (f"config: {site.config}", "config: /nowhere.conf", "/nowhere.conf"),
                               ("archive_wait", "command: [/nowhere/pgbackrest], archive_wait", "/nowhere/pgbackrest"),
                               (f"directory: {site.sides}", "directory: /nowhere", "/nowhere")):
        yaml = (shop.root / "backout.yaml").read_text()
        (shop.root / "backout.yaml").write_text(yaml.replace(word, wrong))
        said = shop.run(shop.backout, "ready", status=None)
        expect(words in said, f"ready does not say {words}:\n{said}")
        (shop.root / "backout.yaml").write_text(yaml)
    segment = sorted((site.cluster.directory / "repo" / "archive").glob("shop/*/*/0*"))[-1]
    segment.rename(segment.with_suffix(".away"))
    said = shop.run(shop.backout, *rollback(True), status=None)
    expect("the archived log ends before" in said and "the door closes" not in said, said)
    serves(shop, "v2")
    segment.with_suffix(".away").rename(segment)
    killed_while_restoring(site, shop)
    serves(shop, "v1")
    customers.have_ordered(10)
    judged(customers, "v1")


def killed_while_restoring(site, shop):
    """Controller and tool go while the cluster beside comes up; the run is taken up, and nothing is left of the first try."""
    run = subprocess.Popen([shop.backout, *rollback(True)], cwd=shop.root, env=shop.environment, stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    until = time.monotonic() + 60
    while not any(site.sides.glob("*/data/base")):
        expect(time.monotonic() < until and run.poll() is None, "no cluster came up beside")
        time.sleep(0.01)
    tools = subprocess.run(["pgrep", "-f", "internal postgresql recover"], capture_output=True, text=True).stdout.split()
    mine = [pid for pid in tools if str(shop.root) in open(f"/proc/{pid}/environ", errors="replace").read()]
    run.kill()
    for pid in mine:
        os.kill(int(pid), signal.SIGKILL)
    run.wait()
    expect(site.left() != [], "nothing was left, so nothing is shown")
    shop.run(shop.backout, "resume", status=None)
    if shop.ask("/version")[1].strip() != "v1":
        shop.run(shop.backout, *rollback(True))


POINTS = {"point": on_an_archived_site(point), "moment": on_an_archived_site(moment), "point-damaged": on_an_archived_site(damaged, "")}
