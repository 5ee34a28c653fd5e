#!/usr/bin/python3
"""PostgreSQL, whole program, with real shops that are written to all the time, each of apps/:
tests/postgresql/run.py --backout build/dev/backout [--keep] [--app APP] [CASE...]"""
import argparse
import json
import re
import shutil
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path

sys.dont_write_bytecode = True
from cluster import Cluster  # noqa: E402
from shop import App, Customers, Shop  # noqa: E402


def expect(condition, words):
    if not condition:
        raise AssertionError(words)


def judged(customers, version=""):
    """All is as the customers were told, and as it is with this release."""
    customers.end()
    faults = customers.judge() + customers.shop.holds(version)
    expect(not faults, "\n".join(faults))
    if version:
        serves(customers.shop, version)


def serves(shop, version):
    expect(shop.ask("/version")[1].strip() == version, f"{version} does not serve")


def back_and_forward(shop):
    """A release that v1 cannot live with is taken back under load, and goes out again; no order is lost on any way."""
    customers = Customers(shop).begin()
    customers.have_ordered(30)
    shop.deploy("v2")
    customers.have_ordered(30)
    plan = shop.run(shop.backout, "plan")
    expect("restored beside" in plan, plan)
    counted = re.search(rf"rows of {shop.app.orders}: (\d+) inserted, (\d+) changed, (\d+) deleted \(by the transactions", plan)
    expect(counted and int(counted[1]) >= 20, plan)
    shop.run(shop.backout, *rollback(True))
    serves(shop, "v1")
    customers.have_ordered(30)
    judged(customers, "v1")
    customers.begin()
    shop.run(shop.backout, *rollback(False))
    serves(shop, "v2")
    customers.have_ordered(30)
    judged(customers, "v2")
    report = shop.run(shop.backout, "report")
    expect(shop.app.orders in report, report)


def aborted(shop):
    """A check behind the door fails: everything is put back as it was found, and no order is lost."""
    customers = Customers(shop).begin()
    customers.have_ordered(20)
    shop.deploy("v2")
    customers.have_ordered(20)
    shop.write_yaml(more="  - {run: 'false', name: never, attempts: 1}")
    shop.run(shop.backout, *rollback(True), status=1)
    serves(shop, "v2")
    customers.have_ordered(20)
    judged(customers, "v2")
    expect([name for name in shop.cluster.databases() if name.endswith("_old")] == [], "something is left: " + str(shop.cluster.databases()))


def failing(shop):
    """A migration of the release fails after another one was applied: the deploy says so, and the release before it comes back."""
    customers = Customers(shop).begin()
    shop.deploy("v2")
    shop.run(shop.backout, "good", "v2")
    shop.deploy("v3")
    shop.run(shop.backout, "good", "v3")
    customers.have_ordered(20)
    shop.deploy("v4", status=5)
    expect(shop.sql("SELECT count(*) FROM information_schema.columns WHERE column_name = 'wrapped'") == "1", "no migration was applied")
    shop.run(shop.backout, *rollback(True))
    serves(shop, "v3")
    customers.have_ordered(20)
    judged(customers, "v3")
    expect(shop.sql("SELECT count(*) FROM information_schema.columns WHERE column_name = 'wrapped'") == "0", "the new column is there")


def additions(shop):
    """The release only added columns: its predecessor's own statements are tried on the new schema, and the database stays as it is,
    unless the predecessor's migrator refuses to start on it."""
    shop.sql("CREATE EXTENSION pg_stat_statements; ALTER ROLE backout SUPERUSER")  # it is not a trusted one
    shop.deploy("v2")
    customers = Customers(shop).begin()
    customers.have_ordered(20)
    shop.run(shop.backout, "good", "v2")
    tries(shop)
    shop.deploy("v3")
    customers.have_ordered(10)
    plan = shop.run(shop.backout, "plan")
    alone = shop.app.starts_ahead
    starts, words = shop.migrates("v2")
    expect(starts == alone, f"the migrator of v2 on the database of v3: {words}")
    expect(("is left alone" in plan) == alone and ("rescue-shop" in plan) != alone, plan)
    expect(("statements of the code tried" if alone else "its migrator refuses such a database") in plan, plan)
    shop.run(shop.backout, *rollback(True))
    serves(shop, "v2")
    customers.have_ordered(20)
    judged(customers)
    there = shop.sql("SELECT count(*) FROM information_schema.columns WHERE column_name = 'gift'")
    expect(there == str(int(alone)), f"there are {there} columns called gift")


def tries(shop):
    """Before it is deployed a migration is tried on a copy, and a rollback of it foretold."""
    for sql, status, words in ((f"ALTER TABLE {shop.app.orders} ADD later text;", 0, "would leave the database alone"),
                               (f"DROP TABLE {shop.app.orders} CASCADE;", 0, "its own database does not fit"),
                               ("SELECT 1;\nALTER TABLE nowhere ADD later text;", 3, "line 2")):
        file = shop.root / "migration.sql"
        file.write_text(sql)
        said = shop.run(shop.backout, "ready", "--try", file, status=status)
        expect(words in said, said)
    expect([name for name in shop.cluster.databases() if "try" in name] == [], str(shop.cluster.databases()))


def gone_on_with(shop, back, words):
    """What was killed or put back is gone on with, by what its last words offer, until the wanted release serves."""
    way, wanted = rollback(back), "v1" if back else "v2"
    for _ in range(5):
        offered = "backout resume" in shop.words[-1].partition("\n")[2]
        shop.run(shop.backout, *(["resume"] if offered or words.startswith("killed") else way), status=None)
        if ended(shop) and shop.ask("/version")[1] == wanted:
            return
        words = ""
    raise AssertionError(f"{words}: {wanted} does not serve after five tries")


def rollback(back):
    return ["rollback", *([] if back else ["--forward"]), "--yes", "--reason", "a test"]


def ended(shop):
    return shop.words[-1].endswith("-> 0")


def killed(shop):
    """kill -9 of the controller around every command of a rollback, and of the tool inside it, on one site that goes back and forward."""
    customers = Customers(shop).begin()
    customers.have_ordered(10)
    shop.deploy("v2")
    back = True
    for point in range(1, 40):
        when = ("before", "during", "after")[point % 3]
        customers.have_ordered(5)
        shop.kill = f"command:{point}:{when}"
        shop.run(shop.backout, *rollback(back), status=None)
        shop.kill = ""
        finished = ended(shop)
        if not finished:
            gone_on_with(shop, back, f"killed at {point} {when}")
        wanted = "v1" if back else "v2"
        expect(shop.ask("/version")[1] == wanted, f"killed at {point} {when}: {wanted} does not serve")
        judged(customers)
        customers.begin()
        back = not back
        if finished:
            break
    expect(point > 10, f"a rollback has only {point} commands")
    customers.end()


def server_killed(shop):
    """kill -9 of PostgreSQL while rows are carried and swapped: it comes up again, and the run goes on or is undone."""
    customers = Customers(shop).begin()
    customers.have_ordered(10)
    shop.deploy("v2")
    back = True
    for number, verb in enumerate(["restore", "rescue", "swap", "swap"]):
        customers.have_ordered(5)
        enemy = Enemy(shop, verb, 0.05 * (number % 3))
        shop.run(shop.backout, *rollback(back), status=None)
        struck = enemy.end()
        expect(struck, f"nothing was struck during {verb}")
        if not ended(shop):
            gone_on_with(shop, back, f"the server died during {verb}")
        wanted = "v1" if back else "v2"
        expect(shop.ask("/version")[1] == wanted, f"server killed during {verb}: {wanted} does not serve")
        customers.have_ordered(5)
        judged(customers)
        customers.begin()
        back = not back
    customers.end()


class Enemy:
    """Ends PostgreSQL by SIGKILL once, while `backout internal postgresql VERB` runs, and starts it again."""

    def __init__(self, shop, verb, after):
        self.shop, self.verb, self.after = shop, verb, after
        self.stopped, self.struck = threading.Event(), False
        self.thread = threading.Thread(target=self.wait, daemon=True)
        self.thread.start()

    def runs(self):
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    words = (entry / "cmdline").read_bytes().split(b"\0")
                except OSError:
                    continue
                if words[1:4] == [b"internal", b"postgresql", self.verb.encode()]:
                    return True
        return False

    def wait(self):
        while not self.stopped.wait(0.002):
            if self.runs():
                time.sleep(self.after)
                self.shop.cluster.kill()
                self.struck = True
                return

    def end(self):
        self.stopped.set()
        self.thread.join()
        return self.struck


def by_hand(shop):
    """Rows are counted, exported and put in by hand; a replaced database goes when a later release is good, and not before."""
    customers = Customers(shop).begin()
    customers.have_ordered(10)
    shop.deploy("v2")
    customers.have_ordered(20)
    customers.end()
    table, rows = shop.app.orders, shop.root / "rows"
    said = shop.run(shop.backout, "rescue", "count")
    expect(table in said and "written since C-1 of v1" in said, said)
    shop.run(shop.backout, "rescue", "export", rows)
    shop.run(shop.backout, *rollback(True))
    lost = [json.loads(line)["key"]["id"] for line in (rows / f"{table}.jsonl").read_text().splitlines() if '"insert"' in line][:3]
    there = shop.sql(f"SELECT count(*) FROM {table}")
    shop.sql(f"DELETE FROM {table} WHERE id IN ({', '.join(lost)})")
    shop.run(shop.backout, "rescue", "apply", rows, status=3)  # nobody confirms
    said = shop.run(shop.backout, "rescue", "apply", rows, "--yes")
    expect("3 rows applied, and found there by a second look" in said, said)
    expect(shop.sql(f"SELECT count(*) FROM {table}") == there, "rows are missing, or there twice")
    expect("nothing to do" in shop.run(shop.backout, "rescue", "apply", rows, "--yes"), "a second time it did something")
    expect([name for name in shop.cluster.databases() if name.endswith("_rows")] == [], "a scratch database is left")
    yaml = shop.root / "backout.yaml"
    yaml.write_text(yaml.read_text().replace("database: shop,", "database: shop, keep_replaced: 100ms,"))
    shop.run(shop.backout, "tick", status=None)
    expect(kept(shop), "what the way forward needs is gone")
    shop.run(shop.backout, "record", "v1-again")
    shop.run(shop.backout, "good", "v1-again")
    time.sleep(0.3)
    said = shop.run(shop.backout, "-v", "ready", status=None)
    expect("1 database that rollbacks replaced takes" in said, said)
    said = shop.run(shop.backout, "tick", status=None)
    expect("deletes the database shop__backout_" in said, said)
    expect(not kept(shop), "it is there still")


def kept(shop):
    return [name for name in shop.cluster.databases() if name.endswith("_old")]


ALL = {"back-and-forward": back_and_forward, "aborted": aborted, "additions": additions, "failing": failing}
CASES = {"django": {**ALL, "by-hand": by_hand, "killed": killed, "server-killed": server_killed}, "rails": ALL, "knex": ALL}


def chosen(options):
    """(app, case) of all that are asked for."""
    return [(app, case) for app, cases in CASES.items() for case in cases
            if options.app in (None, app) and (not options.case or case in options.case)]


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--backout", required=True)
    options.add_argument("--keep", action="store_true", help="leave the directories")
    options.add_argument("--app", choices=CASES)
    options.add_argument("case", nargs="*", choices=[[], *CASES["django"]], metavar="CASE")
    options = options.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="backout-postgresql-"))
    directory.chmod(0o755)
    passed = failed = 0
    for app, case in chosen(options):
        began, shop, words = time.monotonic(), None, ""
        cluster = Cluster("shared_preload_libraries='pg_stat_statements'")
        try:
            shop = Shop(directory / app / case, options.backout, cluster, App(app))
            CASES[app][case](shop)
        except Exception:
            words = traceback.format_exc() + ("\n".join(shop.words) if shop else "")
        finally:
            if shop:
                shop.end()
            cluster.remove()
        passed, failed = passed + (not words), failed + bool(words)
        print(f"{'FAILED' if words else 'passed'} {app} {case} ({time.monotonic() - began:.1f} s)", *(f"    {line}" for line in words.splitlines()),
              sep="\n", flush=True)
    if options.keep:
        print(f"kept: {directory}")
    else:
        shutil.rmtree(directory)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
