#!/usr/bin/python3
"""A release's migrations undone by Django itself, whole program, under load:
tests/postgresql/step_down.py --backout build/dev/backout [--parallel P] [--keep] [CASE...]"""
import argparse
import shutil
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.append(str(Path(__file__).resolve().parent.parent / "support"))
from cases import Cases  # noqa: E402
from cluster import Cluster  # noqa: E402
from shop import HERE, App, Customers, Shop  # noqa: E402

AIMED = 'migrations: {django: {manage: "/usr/bin/python3 -B manage.py"}, environment: {SHOP_DB: "{database}"}}'
BLIND = 'migrations: {django: {manage: "/usr/bin/python3 -B manage.py"}}'
LAST = "0005_review.py"
COLUMNS = ("SELECT string_agg(table_name || '.' || column_name, ' ' ORDER BY table_name, column_name) "
           "FROM information_schema.columns WHERE table_schema = 'public'")


def expect(condition, words):
    if not condition:
        raise AssertionError(words)


class Undone(App):
    """One whose second release can be undone."""

    def copy_to(self, directory):
        super().copy_to(directory)
        self.tables, self.fill = {}, {"shop_order.channel": "web"}
        for part in ("v2", "v3", "v4"):
            shutil.rmtree(directory / part)
        shutil.copytree(HERE / "step_down" / self.name, directory, dirs_exist_ok=True)


class DownShop(Shop):
    migrations = AIMED

    def write_yaml(self, more="", **changed):
        super().write_yaml(more, **changed)
        path = self.root / "backout.yaml"
        path.write_text(path.read_text().replace("database:\n", f"database:\n  {self.migrations}\n"))

    def migration(self, name, operations, after):
        """One more of v2, before it is deployed."""
        (self.root / "app/v2/shop/migrations" / f"{name}.py").write_text(
            "from django.db import migrations, models\n\n\nclass Migration(migrations.Migration):\n"
            f"    dependencies = [('shop', '{after}')]\n    operations = [{operations}]\n")

    def applied(self):
        return self.sql("SELECT name FROM django_migrations WHERE app = 'shop' ORDER BY id").split("\n")

    def back(self, *more, status=0):
        return self.run(self.backout, "rollback", *more, "--yes", "--reason", "a test", status=status)

    def of_ours(self):
        return [name for name in self.cluster.databases() if "__backout_" in name]


def judged(customers):
    customers.end()
    faults = customers.judge()
    expect(not faults, "\n".join(faults))


def down_and_up(shop):
    """Four migrations are undone under load, and done again by going forward; no order is lost on either way."""
    customers = Customers(shop).begin()
    customers.have_ordered(20)
    shop.deploy("v2")
    customers.have_ordered(20)
    shop.sql("INSERT INTO shop_review (order_id, stars) SELECT id, 5 FROM shop_order ORDER BY id LIMIT 1")
    plan = shop.run(shop.backout, "plan")
    for words in ("is stepped down", "4 migrations came with the release", "down shop.0005_review", 'DROP TABLE "shop_review"',
                  "shop_review: the table goes, with 1 row", "shop_order.gift: the column goes"):
        expect(words in plan, f"'{words}' is not in the plan:\n{plan}")
    said = shop.back()
    expect("no row had to be carried over" in said and " of 0 " not in said, said[-1000:])
    expect(shop.ask("/version")[1] == "v1", "v1 does not serve")
    customers.have_ordered(20)
    judged(customers)
    expect(shop.applied() == ["0001_initial"], f"applied: {shop.applied()}")
    archive = "".join(path.read_text() for path in (shop.root / "backout").rglob("*archive.jsonl"))
    expect('"stars":"5"' in archive and '"gift":"t"' in archive, "what went is not in the archive: " + archive[:2000])
    report = shop.run(shop.backout, "report")
    expect("step-down-shop" in report and "shop\\_review: new" in report, report)
    customers.begin()
    shop.back("--forward")
    expect(shop.ask("/version")[1] == "v2", "v2 does not serve")
    customers.have_ordered(20)
    judged(customers)
    expect(len(shop.applied()) == 5, f"applied: {shop.applied()}")
    expect(shop.sql("SELECT count(*) FROM shop_review") == "1", "the review is gone")
    plan = shop.run(shop.backout, "plan", "--rung", "step-down", status=3)
    expect("says which migrations were applied" in plan, plan)


def aborted(shop):
    """A check behind the door fails after the step down: all is as it was found."""
    customers = Customers(shop).begin()
    customers.have_ordered(10)
    shop.deploy("v2")
    customers.have_ordered(10)
    shop.write_yaml(more="  - {run: 'false', name: never, attempts: 1}")
    shop.back(status=1)
    expect(shop.ask("/version")[1] == "v2", "v2 does not serve again")
    customers.have_ordered(10)
    judged(customers)
    expect(len(shop.applied()) == 5, f"applied: {shop.applied()}")
    expect([name for name in shop.of_ours() if not name.endswith("_undone")] == [], f"something is left: {shop.of_ours()}")


def elsewhere(shop):
    """Settings that name the live database whatever they are told: seen before anything is undone."""
    shop.migrations = BLIND
    shop.write_yaml()
    customers = Customers(shop).begin()
    shop.deploy("v2")
    customers.have_ordered(10)
    said = shop.back(status=1)
    expect("does not work on the copy" in said and "closed to everybody" in said, said)
    expect(len(shop.applied()) == 5, f"applied: {shop.applied()}")
    customers.have_ordered(10)
    judged(customers)
    expect(shop.of_ours() == [], f"something is left: {shop.of_ours()}")


def split(shop):
    """Settings that name the live database for `migrate` alone: the list goes to the copy, the down would not."""
    settings = shop.root / "app/v1/shop/settings.py"
    text = settings.read_text()
    name = 'os.environ.get("SHOP_DB", "shop")'
    expect(name in text, text)
    live = shop.sql("SELECT current_database()")
    settings.write_text("import sys\n" + text.replace(name, f'"{live}" if "migrate" in sys.argv else {name}'))
    customers = Customers(shop).begin()
    shop.deploy("v2")
    customers.have_ordered(10)
    shut, before = customers.closed, shop.sql(COLUMNS)
    said = shop.back(status=1)
    expect("does not work on the copy" in said and "its down" in said, said)
    expect("nothing was undone" in said, said)
    expect(len(shop.applied()) == 5, f"applied: {shop.applied()}")
    expect(shop.sql(COLUMNS) == before, "the live schema is another")
    expect(customers.closed == shut, "the door was closed")
    customers.have_ordered(10)
    judged(customers)
    expect(shop.of_ours() == [], f"something is left: {shop.of_ours()}")


def irreversible(shop):
    """One of them cannot be undone: said in the plan, which restores."""
    shop.migration("0006_once", "migrations.RunPython(lambda apps, editor: None)", "0005_review")
    shop.deploy("v2")
    plan = shop.run(shop.backout, "plan")
    expect("restored beside" in plan and "shop.0006_once is irreversible" in plan, plan)
    plan = shop.run(shop.backout, "plan", "--rung", "step-down", status=3)
    expect("shop.0006_once is irreversible" in plan, plan)
    shop.back("--rung", "restore")
    expect(shop.ask("/version")[1] == "v1", "v1 does not serve")


def fails_midway(shop):
    """A down that the rows of today do not allow: found on a copy, before the door is closed."""
    shop.migration("0006_stars", "migrations.RunSQL('ALTER TABLE shop_order ADD CHECK (id > 0)', "
                   "'ALTER TABLE shop_order ADD COLUMN extra int; ALTER TABLE shop_order ALTER extra SET NOT NULL')", "0005_review")
    customers = Customers(shop).begin()
    shop.deploy("v2")
    customers.have_ordered(10)
    shut = customers.closed
    said = shop.back(status=1)
    expect("undoing shop.0006_stars failed" in said and "--rung restore" in said, said)
    expect(customers.closed == shut, "the door was closed")
    expect(len(shop.applied()) == 6, f"applied: {shop.applied()}")
    judged(customers)
    expect(shop.of_ours() == [], f"something is left: {shop.of_ours()}")


def changes_rows(shop):
    """A down that rewrites rows in code that nobody can read: refused by what it did to the copy."""
    (shop.root / "app/v2/shop/migrations/0006_code.py").write_text(
        "from django.db import migrations\n\n\ndef back(apps, editor):\n"
        "    apps.get_model('shop', 'Order').objects.filter(id=1).update(status='lost')\n\n\n"
        "class Migration(migrations.Migration):\n    dependencies = [('shop', '0005_review')]\n"
        "    operations = [migrations.RunPython(migrations.RunPython.noop, back)]\n")
    customers = Customers(shop).begin()
    customers.have_ordered(10)
    shop.deploy("v2")
    said = shop.back(status=1)
    expect("changes rows" in said and "shop_order" in said, said)
    judged(customers)
    expect(len(shop.applied()) == 6, f"applied: {shop.applied()}")


CASES = {"down-and-up": down_and_up, "aborted": aborted, "elsewhere": elsewhere, "split": split, "irreversible": irreversible,
         "fails-midway": fails_midway, "changes-rows": changes_rows}


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--backout", required=True)
    options.add_argument("--parallel", type=int, default=3)
    options.add_argument("--keep", action="store_true", help="leave the directories")
    options.add_argument("case", nargs="*", choices=[[], *CASES], metavar="CASE")
    options = options.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="backout-step-down-"))
    directory.chmod(0o755)
    cases = Cases()

    def one(name):
        began, shop, words = time.monotonic(), None, []
        cluster = Cluster()
        try:
            shop = DownShop(directory / name, options.backout, cluster, Undone("django"))
            CASES[name](shop)
        except Exception:
            words = [traceback.format_exc(), *(shop.words if shop else [])]
        finally:
            if shop:
                shop.end()
            cluster.remove()
        cases.ended(name, "FAILED" if words else "passed", words, f" ({time.monotonic() - began:.1f} s)")

    with ThreadPoolExecutor(max(1, options.parallel)) as pool:
        list(pool.map(one, options.case or CASES))
    if options.keep:
        print(f"kept: {directory}")
    else:
        shutil.rmtree(directory)
    return cases.closing()


if __name__ == "__main__":
    sys.exit(main())
