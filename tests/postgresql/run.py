#!/usr/bin/python3
"""PostgreSQL, whole program, with real shops that are written to all the time, each of apps/:
tests/postgresql/run.py --backout build/dev/backout [--parallel P] [--keep] [--app APP] [CASE...]"""
import argparse
import json
import re
import shutil
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.append(str(Path(__file__).resolve().parent.parent / "support"))
from archives import backups_kept, from_archive  # noqa: E402
from cases import Cases, is_built  # noqa: E402
from cluster import Cluster  # noqa: E402
from faults import FAULTS, Faults  # noqa: E402
from judge import expect, judged, rollback, serves  # noqa: E402
from kills import killed, server_killed  # noqa: E402
from points import POINTS  # noqa: E402
from shop import App, Customers, Shop  # noqa: E402


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


def followed(shop):
    """A slot follows what is written from a checkpoint on, counts it for the plan, and is gone with the rollback, and with a known-good release."""
    def slots():
        return [shop.sql(f"SELECT count(*) FROM {catalogue}").strip() for catalogue in ("pg_replication_slots", "pg_publication")]

    yaml = shop.root / "backout.yaml"
    yaml.write_text(re.sub(r"(?m)^  postgresql: .*$", lambda line: line[0] + "\n  rescue: {capture: slot}", yaml.read_text()))
    shop.sql("ALTER ROLE backout REPLICATION")
    customers = Customers(shop).begin()
    customers.have_ordered(10)
    shop.deploy("v2")
    expect(slots() == ["1", "1"], f"{slots()} slots and publications after the checkpoint")
    customers.have_ordered(30)
    said = shop.run(shop.backout, "status")
    expect("  slot       backout_" in said, said)
    shop.run(shop.backout, "tick", status=None)
    expect(slots() == ["1", "1"], "what a rollback may ask is gone")
    plan = shop.run(shop.backout, "plan")
    expect(re.search(rf"rows of {shop.app.orders}: \d+ inserted, \d+ changed, \d+ deleted \(by the slot", plan), plan)
    said = shop.run(shop.backout, "-v", "ready", status=None)
    expect("of the server's log" in said, said)
    shop.sql("ALTER ROLE backout NOREPLICATION")
    said = shop.run(shop.backout, "ready", status=None)
    expect("may not make a replication slot" in said and "ALTER ROLE \"backout\" REPLICATION" in said, said)
    shop.sql("ALTER ROLE backout REPLICATION")
    shop.run(shop.backout, *rollback(True))
    serves(shop, "v1")
    expect(slots() == ["0", "0"], f"{slots()} slots and publications after the rollback")
    said = shop.run(shop.backout, "status")
    expect("  slot " not in said, said)
    customers.have_ordered(20)
    judged(customers, "v1")
    shop.run(shop.backout, "checkpoint")
    expect(slots() == ["1", "1"], f"{slots()} slots and publications after a checkpoint")
    shop.run(shop.backout, "record", "v1-again")
    shop.run(shop.backout, "good", "v1-again")
    said = shop.run(shop.backout, "tick", status=None)
    expect("the replication slot backout_" in said and "known-good" in said and slots() == ["0", "0"], said)


def db_only(shop):
    """The data is corrupt, and the code is fine: the release that runs stays, and only its data goes back."""
    (shop.root / "app" / "v1a").mkdir()  # the code of v1 under another name
    yaml = shop.root / "backout.yaml"
    shop.sql("CREATE TABLE schema_info (version integer)")  # of a migrator that is not asked what it has noted
    shop.sql("INSERT INTO schema_info VALUES (1)")
    shop.sql("ALTER TABLE schema_info OWNER TO shop")
    customers = Customers(shop).begin()
    customers.have_ordered(20)
    shop.deploy("v1a")
    customers.have_ordered(20)
    back = ["rollback", "--db-only", "--rung", "restore", "--yes", "--reason", "names are gone"]
    for noted, undone in (("UPDATE schema_info SET version = 2", "UPDATE schema_info SET version = 1"),
                          ("INSERT INTO django_migrations (app, name, applied) VALUES ('shop', '0099_words', now())",
                           "DELETE FROM django_migrations WHERE name = '0099_words'")):
        shop.sql(noted)  # by a migration that changes rows alone
        said = shop.run(shop.backout, *back, status=3)
        expect("would be left on a database it was not written for" in said, said)
        shop.sql(undone)
    before = shop.sql("SELECT string_agg(name, ',' ORDER BY id) FROM shop_product")
    shop.sql("UPDATE shop_product SET name = '???'")
    yaml.write_text(yaml.read_text().replace("tables: {", 'tables: {"shop_product.name": "leave", ', 1))
    said = shop.run(shop.backout, *back)
    expect("v1a serves" in said, said)
    expect(shop.sql("SELECT string_agg(name, ',' ORDER BY id) FROM shop_product") == before, "the names did not come back")
    customers.have_ordered(20)
    judged(customers, "v1a")


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


def on_a_site(case):
    """A case that gets a shop on a server of its own."""
    def run(directory, backout, app):
        cluster, shop = Cluster("shared_preload_libraries='pg_stat_statements'"), None
        try:
            shop = Shop(directory, backout, cluster, app)
            case(shop)
        except Exception as error:
            raise AssertionError(traceback.format_exc() + ("\n".join(shop.words) if shop else "")) from error
        finally:
            if shop:
                shop.end()
            cluster.remove()
    return run


def faults(directory, backout, app):
    """Each fault of the server alone stops the way back, is told, and leaves v2 serving; at the end the way is free."""
    site, took = Faults(directory, backout, app), []
    try:
        for fault in FAULTS:
            began, site.shop.words[:] = time.monotonic(), []
            fault(site)
            took.append(f"{fault.__name__.replace('_', ' ')} ({time.monotonic() - began:.1f} s)")
        judged(site.customers, "v1")
        return took
    except Exception as error:
        raise AssertionError(traceback.format_exc() + "\n".join(site.shop.words)) from error
    finally:
        site.end()


ALL = {"back-and-forward": on_a_site(back_and_forward), "aborted": on_a_site(aborted), "additions": on_a_site(additions),
       "failing": on_a_site(failing)}
CASES = {"django": {**ALL, "by-hand": on_a_site(by_hand), "db-only": on_a_site(db_only), "followed": on_a_site(followed),
                    "killed": on_a_site(killed),
                    "server-killed": on_a_site(server_killed), "from-archive": on_a_site(from_archive),
                    "backups-kept": on_a_site(backups_kept), "faults": faults, **POINTS},
         "rails": ALL, "knex": ALL}


# These begin first: whoever comes last would otherwise be waited for alone.
LONG = ["killed", "by-hand", "followed", "server-killed", "faults"]


def chosen(options):
    """(app, case) of all that are asked for."""
    found = [(app, case) for app, cases in CASES.items() for case in cases
             if options.app in (None, app) and (not options.case or case in options.case)]
    return sorted(found, key=lambda one: LONG.index(one[1]) if one[1] in LONG else len(LONG))


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--backout", required=True)
    options.add_argument("--parallel", type=int, default=3)  # a case waits for customers half of its time
    options.add_argument("--keep", action="store_true", help="leave the directories")
    options.add_argument("--app", choices=CASES)
    options.add_argument("case", nargs="*", choices=[[], *CASES["django"]], metavar="CASE")
    options = options.parse_args()
    if not is_built(options.backout):
        return 2
    directory = Path(tempfile.mkdtemp(prefix="backout-postgresql-"))
    directory.chmod(0o755)
    cases = Cases()

    def one(which):
        app, case = which
        began, words = time.monotonic(), []
        try:
            words = CASES[app][case](directory / app / case, options.backout, App(app)) or []
            state = "passed"
        except Exception as error:
            state, words = "FAILED", [str(error)]
        cases.ended(f"{app} {case}", state, words, f" ({time.monotonic() - began:.1f} s)")

    with ThreadPoolExecutor(max(1, options.parallel)) as pool:
        list(pool.map(one, chosen(options)))
    if options.keep:
        print(f"kept: {directory}")
    else:
        shutil.rmtree(directory)
    return cases.closing()


if __name__ == "__main__":
    sys.exit(main())
