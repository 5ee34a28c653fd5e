#!/usr/bin/python3
"""Migrations undone by each real migrator, with the tool's own verbs on a real PostgreSQL:
tests/postgresql/migrators.py --backout build/dev/backout [--keep] [TOOL...]"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

sys.dont_write_bytecode = True
from cluster import Cluster  # noqa: E402
from shop import BUILD, HERE  # noqa: E402

RECIPE = HERE / "step_down"


def expect(condition, words):
    if not condition:
        raise AssertionError(words)


class Bench:
    """One tool, two releases beside each other, and the verbs."""

    def __init__(self, root, backout, cluster, tool, how, environment):
        self.root, self.backout, self.cluster = Path(root), backout, cluster
        self.v1, self.v2 = self.root / "v1", self.root / "v2"
        for release in (self.v1, self.v2):
            release.mkdir(parents=True)
        self.tool, self.how, self.environment, self.words, self.runs = tool, how, environment, [], 0
        cluster.sql("postgres", f"CREATE DATABASE {self.name}")

    @property
    def name(self):
        return f"shop_{self.root.name.replace('-', '_')}"

    @property
    def url(self):
        return f"postgresql:///{self.name}?host={self.cluster.directory}&user=postgres"

    def sql(self, text):
        return self.cluster.sql(self.name, text)

    def files(self, release, **texts):
        for name, text in texts.items():
            path = release / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def migrate(self, release, *argv, status=0):
        """By the tool itself, on the live database."""
        filled = {key: value.replace("{database}", self.name).replace("{url}", self.url) for key, value in self.environment.items()}
        done = subprocess.run([str(word) for word in argv], cwd=release, stdin=subprocess.DEVNULL, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT,
                              env={**os.environ, "PGHOST": str(self.cluster.directory), "PGUSER": "postgres", "PGDATABASE": self.name,
                                   "DATABASE_URL": self.url, **filled})
        self.words.append(f"$ {' '.join(map(str, argv))}\n{done.stdout}-> {done.returncode}")
        expect(status is None or done.returncode == status, self.words[-1])

    def migrations(self, release):
        return {"tool": self.tool, "how": self.how, "environment": self.environment, "release": str(release), "previous": str(self.v1)}

    def verb(self, verb, /, status=0, **more):
        args = {"server": f"host={self.cluster.directory} user=postgres", "maintenance": "postgres", "database": self.name, **more}
        done = subprocess.run([self.backout, "internal", "postgresql", verb], input=json.dumps(args), capture_output=True, text=True)
        self.words.append(f"$ {verb}\n{done.stdout[-2000:]}{done.stderr[-2000:]}-> {done.returncode}")
        expect(status is None or done.returncode == status, self.words[-1])
        return json.loads(done.stdout.strip().split("\n")[-1])

    def checkpoint(self):
        part = self.verb("backup", directory=str(self.root / "then.dump"), manifest=str(self.root / "then.json"), jobs=1,
                         migrations=self.migrations(self.v1))["part"]
        self.against = part

    def look(self):
        return self.verb("observe", against=self.against, migrations=self.migrations(self.v2), rung="step-down", tables={}).get("downs", {})

    def down(self, downs, refused=False, accept=False):
        """All the way: saved, tried, done on a copy, swapped in. `refused`: by the trial, and its words."""
        self.runs += 1
        save = {"backup": str(self.root / f"save{self.runs}.dump"), "manifest": str(self.root / f"save{self.runs}.json")}
        self.verb("backup", directory=save["backup"], manifest=save["manifest"], jobs=1)
        copy = f"{self.name}__backout_R{self.runs}_"
        common = {"against": self.against, "migrations": self.migrations(self.v2), "noted": downs["noted"], "downs": downs["downs"],
                  "accept_loss": accept}
        said = self.verb("try-down", status=None if refused else 0, save=save,
                         scratch=copy + "try", then=copy + "then", result=str(self.root / "trial.json"), **common)
        if refused:
            expect("error" in said, said)
            expect([name for name in self.cluster.databases() if name.startswith(copy)] == [], "something is left")
            return said["error"]["message"]
        deed = {**common, "incoming": copy + "new", "trial": str(self.root / "trial.json"), "record": str(self.root / "record.json"),
                "archive": str(self.root / "archive.jsonl")}
        said = self.verb("step-down", **deed)
        self.verb("swap", incoming=copy + "new", keep=copy + "old", marker=str(self.root / "swap.json"),
                  catalog=str(self.root / "catalog.json"), rescue={"record": str(self.root / "record.json")}, step_down=deed)
        look = self.verb("look", verb="stepped-down", args={"server": f"host={self.cluster.directory} user=postgres",
                                                            "maintenance": "postgres", "database": self.name,
                                                            "record": str(self.root / "record.json"),
                                                            "migrations": self.migrations(self.v2)})
        expect(look["sight"] == "holds", look)
        return said

    def columns(self, table):
        return self.sql(f"SELECT column_name FROM information_schema.columns WHERE table_name = '{table}' ORDER BY 1").split("\n")


def judged(bench, downs, names, rows):
    expect(downs.get("possible"), downs)
    expect([down["name"] for down in downs["downs"]] == names, downs["downs"])
    before = bench.sql(rows)
    said = bench.down(downs)
    expect(bench.sql(rows) == before, "rows are others: " + bench.sql(rows))
    return said


def rails(make):
    bench = make("rails", {"command": "ruby bin/rails"}, {"SHOP_DB": "{database}", "SECRET_KEY_BASE": "of-a-test", "RAILS_ENV": "production"})
    for release in (bench.v1, bench.v2):
        shutil.copytree(HERE / "apps/rails/v1", release, dirs_exist_ok=True)
        (release / "VERSION").write_text(release.name)
        bench.files(release, **{"config/database.yml": f"production:\n  adapter: postgresql\n  host: {bench.cluster.directory}\n"
                                "  username: postgres\n  database: <%= ENV['SHOP_DB'] %>\n"})
    shutil.copytree(RECIPE / "rails/v2", bench.v2, dirs_exist_ok=True)
    migrate = ["ruby", "bin/rails", "db:migrate"]
    bench.migrate(bench.v1, *migrate)
    bench.sql("INSERT INTO customers (email) VALUES ('a@example.com')")
    bench.checkpoint()
    bench.migrate(bench.v2, *migrate)
    bench.sql("INSERT INTO orders (token, customer_id, product_id, note, channel, created_at) VALUES ('t', 1, 1, '', 'app', now())")
    downs = bench.look()
    expect(downs["wins"] and "cannot be read" in downs["why"] and "add_channel.rb" in " ".join(downs["words"]), downs)
    judged(bench, downs, ["20240202000002", "20240202000001"], "SELECT token, note FROM orders")
    expect("channel" not in bench.columns("orders") and "email" in bench.columns("customers"), bench.columns("orders"))
    expect('"channel":"app"' in (bench.root / "archive.jsonl").read_text(), "the value is not in the archive")
    expect(not (bench.v2 / "db/schema.rb").exists(), "db/schema.rb was written into the release")
    # One that says it cannot be undone, and one that shows it only when it is tried.
    bench.files(bench.v2, **{"db/migrate/20240203000001_once.rb": "class Once < ActiveRecord::Migration[6.1]\n"
                             "  def up; add_column :orders, :once, :integer, null: false, default: 1; end\n"
                             "  def down; raise ActiveRecord::IrreversibleMigration; end\nend\n"})
    bench.migrate(bench.v2, *migrate)
    downs = bench.look()
    expect(not downs["possible"] and "20240203000001 is irreversible" in downs["why_not"], downs)
    (bench.v2 / "db/migrate/20240203000001_once.rb").write_text(
        "class Once < ActiveRecord::Migration[6.1]\n  def change; execute 'SELECT 1'; end\nend\n")
    downs = bench.look()
    message = bench.down(downs, refused=True)
    expect("20240203000001 is irreversible" in message, message)


def knex(make):
    bench = make("knex", {"command": "node_modules/.bin/knex"}, {"SHOP_DB": "{database}"})
    knexfile = ("module.exports = {client: 'pg', connection: {host: process.env.PGHOST, user: 'postgres', database: process.env.SHOP_DB}, "
                "migrations: {directory: './migrations'}}\n")
    shutil.copytree(HERE / "apps/knex", bench.root / "app")
    subprocess.run(["sh", HERE / "apps/knex/prepare.sh", bench.root / "app", BUILD], check=True, stdin=subprocess.DEVNULL)
    for release in (bench.v1, bench.v2):
        shutil.copytree(bench.root / "app/v1", release, dirs_exist_ok=True, symlinks=True)
        bench.files(release, **{"knexfile.js": knexfile})
    for name in ("20240201000001_channel.js", "20240201000002_mail.js"):
        shutil.copy(bench.root / "app/v2/migrations" / name, bench.v2 / "migrations" / name)
    migrate = ["node_modules/.bin/knex", "migrate:latest"]
    bench.migrate(bench.v1, *migrate)
    bench.sql("INSERT INTO customers (email) VALUES ('a@example.com')")
    bench.checkpoint()
    bench.migrate(bench.v2, *migrate)
    bench.sql("INSERT INTO orders (token, customer_id, product_id, note, channel) VALUES ('t', 1, 1, '', 'app')")
    downs = bench.look()
    expect(downs["wins"], downs)
    judged(bench, downs, ["20240201000002_mail.js", "20240201000001_channel.js"], "SELECT token, note FROM orders")
    expect("channel" not in bench.columns("orders") and "email" in bench.columns("customers"), bench.columns("orders"))
    bench.files(bench.v2, **{"migrations/20240301000001_once.js":
                             "exports.up = (knex) => knex.schema.alterTable('orders', (t) => t.integer('once').notNullable().defaultTo(1))\n"})
    bench.files(bench.v2, **{"migrations/20240301000001_once.js": (bench.v2 / "migrations/20240301000001_once.js").read_text()
                             + "exports.down = () => { throw new Error('irreversible') }\n"})
    bench.migrate(bench.v2, *migrate)
    message = bench.down(bench.look(), refused=True)
    expect("20240301000001_once.js is irreversible" in message, message)


def alembic(make):
    bench = make("alembic", {"command": "alembic"}, {})
    env = ("import os\nfrom alembic import context\nfrom sqlalchemy import create_engine\n"
           "url = os.environ['DATABASE_URL']\n"
           "if context.is_offline_mode():\n    context.configure(url=url, literal_binds=True)\n"
           "    with context.begin_transaction():\n        context.run_migrations()\n"
           "else:\n    with create_engine(url).connect() as connection:\n        context.configure(connection=connection)\n"
           "        with context.begin_transaction():\n            context.run_migrations()\n")

    def revision(number, before, up, down):
        return (f"revision = 'r{number}'\ndown_revision = {before!r}\nfrom alembic import op\nimport sqlalchemy as sa\n\n\n"
                f"def upgrade():\n    {up}\n\n\ndef downgrade():\n    {down}\n")
    for release in (bench.v1, bench.v2):
        bench.files(release, **{"alembic.ini": "[alembic]\nscript_location = steps\n", "steps/env.py": env, "steps/versions/r1.py": revision(
            1, None, "op.create_table('orders', sa.Column('id', sa.Integer, primary_key=True), sa.Column('note', sa.String(50)))",
            "op.drop_table('orders')")})
    bench.files(bench.v2, **{
        "steps/versions/r2.py": revision(2, "r1", "op.add_column('orders', sa.Column('gift', sa.Integer, nullable=False, server_default='1')); "
                                         "op.alter_column('orders', 'gift', server_default=None)", "op.drop_column('orders', 'gift')"),
        "steps/versions/r3.py": revision(3, "r2", "op.alter_column('orders', 'note', type_=sa.String(200))",
                                         "op.alter_column('orders', 'note', type_=sa.String(50))")})
    bench.migrate(bench.v1, "alembic", "upgrade", "head")
    bench.checkpoint()
    bench.migrate(bench.v2, "alembic", "upgrade", "head")
    bench.sql("INSERT INTO orders (note, gift) VALUES ('short', 7)")
    downs = bench.look()
    expect(downs["wins"] and "DROP COLUMN gift" in " ".join(downs["words"]), downs)
    bench.sql("INSERT INTO orders (note, gift) VALUES (repeat('x', 99), 7)")
    longer = bench.look()
    expect(not longer["wins"] and "1 value would be cut" in longer["why"], longer)
    bench.sql("DELETE FROM orders WHERE length(note) > 50")
    judged(bench, downs, ["r3", "r2"], "SELECT id, note FROM orders")
    expect(bench.sql("SELECT version_num FROM alembic_version") == "r1", "the books are others")
    for number, down in ((4, "pass"), (5, "raise NotImplementedError('never')")):
        bench.files(bench.v2, **{"steps/versions/r2.py": revision(2, "r1", "op.add_column('orders', sa.Column('b', sa.Integer))", down),
                                 "steps/versions/r3.py": ""})
        if number == 4:
            (bench.v2 / "steps/versions/r3.py").unlink()
            bench.migrate(bench.v2, "alembic", "upgrade", "head")
        else:
            (bench.v2 / "steps/versions/r3.py").unlink()
        downs = bench.look()
        expect(not downs["possible"] and "r2 is irreversible" in downs["why_not"], downs)


def sql(make):
    bench = make("sql", {"files": "migrations", "table": "applied", "column": "name"}, {})
    pairs = {"0001_shop": ("CREATE TABLE orders (id serial PRIMARY KEY, note text NOT NULL)", "DROP TABLE orders"),
             "0002_gift": ("ALTER TABLE orders ADD gift int NOT NULL DEFAULT 0; ALTER TABLE orders ALTER gift DROP DEFAULT", "ALTER TABLE orders DROP gift"),
             "0003_reviews": ("CREATE TABLE reviews (id serial PRIMARY KEY, stars int)", "DROP TABLE reviews")}
    for release, names in ((bench.v1, ["0001_shop"]), (bench.v2, list(pairs))):
        for name in names:
            bench.files(release, **{f"migrations/{name}.up.sql": pairs[name][0] + ";\n", f"migrations/{name}.down.sql": pairs[name][1] + ";\n"})
    bench.sql("CREATE TABLE applied (name text PRIMARY KEY)")

    def up(name):
        bench.sql((bench.v2 / f"migrations/{name}.up.sql").read_text() + f"INSERT INTO applied VALUES ('{name}')")
    up("0001_shop")
    bench.sql("INSERT INTO orders (note) VALUES ('first')")
    bench.checkpoint()
    up("0002_gift")
    up("0003_reviews")
    bench.sql("INSERT INTO orders (note, gift) VALUES ('second', 5); INSERT INTO reviews (stars) VALUES (4)")
    downs = bench.look()
    expect(downs["wins"], downs)
    judged(bench, downs, ["0003_reviews", "0002_gift"], "SELECT id, note FROM orders")
    expect(bench.sql("SELECT * FROM applied") == "0001_shop", bench.sql("SELECT * FROM applied"))
    expect('"stars":"4"' in (bench.root / "archive.jsonl").read_text(), "the review is not in the archive")
    bench.sql("ALTER TABLE orders ADD gift int NOT NULL DEFAULT 0; INSERT INTO applied VALUES ('0002_gift')")
    (bench.v2 / "migrations/0002_gift.down.sql").write_text("UPDATE orders SET note = 'gone'; ALTER TABLE orders DROP gift;\n")
    downs = bench.look()
    expect(downs["possible"] and not downs["wins"] and "changes rows (UPDATE orders)" in downs["why"], downs)
    expect("changes rows" in bench.down(downs, refused=True), "the trial found nothing")
    (bench.v2 / "migrations/0002_gift.down.sql").unlink()
    downs = bench.look()
    expect(not downs["possible"] and "no " in downs["why_not"] and "0002_gift.down.sql" in downs["why_not"], downs)


def own(make):
    bench = make("command", {"list": "./migrate list", "down": "./migrate down", "show": "./migrate show", "table": "steps"}, {})
    script = ("#!/bin/sh\nset -eu\nq() { psql -XAtq -v ON_ERROR_STOP=1 -c \"$1\"; }\n"
              "case \"$1\" in\nlist) q 'SELECT name FROM steps ORDER BY n' ;;\n"
              "show) echo 'ALTER TABLE orders DROP COLUMN gift;' ;;\n"
              "down) q \"ALTER TABLE orders DROP COLUMN gift; DELETE FROM steps WHERE name = '$2'\" ;;\nesac\n")
    for release in (bench.v1, bench.v2):
        bench.files(release, migrate=script)
        (release / "migrate").chmod(0o755)
    bench.sql("CREATE TABLE steps (n serial, name text); CREATE TABLE orders (id serial PRIMARY KEY, note text); INSERT INTO steps (name) VALUES ('one')")
    bench.checkpoint()
    bench.sql("ALTER TABLE orders ADD gift int NOT NULL DEFAULT 0; ALTER TABLE orders ALTER gift DROP DEFAULT; INSERT INTO steps (name) VALUES ('two'); "
              "INSERT INTO orders (note, gift) VALUES ('a', 1)")
    downs = bench.look()
    expect(downs["wins"] and "DROP COLUMN gift" in " ".join(downs["words"]), downs)
    # One that goes to the live database whatever it is told.
    good = (bench.v2 / "migrate").read_text()
    (bench.v2 / "migrate").write_text(good.replace("psql -XAtq", f"psql -d {bench.name} -XAtq"))
    message = bench.down(downs, refused=True)
    expect("closed to everybody" in message, message)
    expect(bench.sql("SELECT count(*) FROM steps") == "2" and "gift" in bench.columns("orders"), "the live database was changed")
    # One whose list obeys, and whose down goes to the live database: read-only, by its own connection string, with no
    # name of ours, and one that hides why it failed.
    aimed = f'psql "dbname={bench.name}'
    for down, words in ((f'{aimed}"', "was ended there"), (f'{aimed} application_name=own"', "did not say because of that"),
                        (f'PGOPTIONS= {aimed} application_name=own"', "was ended there"),
                        (f'PGOPTIONS= {aimed}"', "was ended there"), ("psql 2>/dev/null", "did not say because of that")):
        (bench.v2 / "migrate").write_text(good.replace('down) q "', f'down) {down} -XAtq -v ON_ERROR_STOP=1 -c "SELECT pg_sleep(0.1)" -c "'))
        message = bench.down(downs, refused=True)
        expect(words in message and "does not work on the copy" in message, f"{down}: {message}")
        expect(bench.sql("SELECT count(*) FROM steps") == "2" and "gift" in bench.columns("orders"), "the live database was changed")
    # One that obeys until it is seen working: told loudly what it did to the live database.
    (bench.v2 / "migrate").write_text(good.replace('down) q "', 'down) q "SELECT 1" && PGOPTIONS= PGAPPNAME=own '
                                                   f'psql -d {bench.name} -XAtq -v ON_ERROR_STOP=1 -c "'))
    message = bench.down(downs, refused=True)
    expect("LIVE database" in message and "WAS CHANGED" in message and "no longer noted as applied: two" in message and "gift" in message, message)
    bench.sql("ALTER TABLE orders ADD gift int NOT NULL DEFAULT 0; ALTER TABLE orders ALTER gift DROP DEFAULT; INSERT INTO steps (name) VALUES ('two')")
    downs = bench.look()
    # One that says that it is done, and did nothing.
    (bench.v2 / "migrate").write_text(good.replace("down) q", "down) : q"))
    message = bench.down(downs, refused=True)
    expect("its down said that it is done while the copy was closed" in message, message)
    (bench.v2 / "migrate").write_text(good.replace("down) q", "down) q 'SELECT 1' && : q"))
    message = bench.down(downs, refused=True)
    expect("its table does not have what it should" in message, message)
    (bench.v2 / "migrate").write_text(good)
    judged(bench, downs, ["two"], "SELECT id, note FROM orders")


def prisma(make):
    shim = str(RECIPE / "prisma/schema-engine-shim.sh")
    bench = make("prisma", {"command": "node_modules/.bin/prisma", "schema": "prisma/schema.prisma"},
                 {"PRISMA_SCHEMA_ENGINE_BINARY": shim, "CHECKPOINT_DISABLE": "1"})
    subprocess.run(["sh", RECIPE / "prisma/prepare.sh", BUILD], check=True, stdin=subprocess.DEVNULL)
    for release in (bench.v1, bench.v2):
        shutil.copytree(RECIPE / "prisma/v1", release, dirs_exist_ok=True)
        for name in ("prisma.config.ts", "package.json"):
            shutil.copy(RECIPE / "prisma" / name, release / name)
        (release / "node_modules").symlink_to(BUILD / "postgresql-prisma/node_modules")
    shutil.copytree(RECIPE / "prisma/v2", bench.v2, dirs_exist_ok=True)
    deploy = ["node_modules/.bin/prisma", "migrate", "deploy"]
    bench.migrate(bench.v1, *deploy)
    bench.checkpoint()
    bench.migrate(bench.v2, *deploy)
    bench.sql("INSERT INTO orders (note, gift) VALUES ('a', 1)")
    downs = bench.look()
    expect(downs["wins"] and 'DROP COLUMN "gift"' in " ".join(downs["words"]), downs)
    judged(bench, downs, ["20240201000000_gift"], "SELECT id, note FROM orders")
    expect(bench.sql("SELECT migration_name FROM _prisma_migrations") == "20240101000000_shop", "the books are others")
    # One that fails midway stops Prisma until somebody has said what became of it.
    bench.files(bench.v2, **{"prisma/migrations/20240201000000_gift/migration.sql": "ALTER TABLE orders ADD gift INT NOT NULL; SELECT 1 / 0;\n"})
    bench.migrate(bench.v2, *deploy, status=None)
    downs = bench.look()
    expect(not downs["possible"] and "20240201000000_gift failed" in downs["why_not"] and "--rolled-back" in downs["way_out"], downs)


TOOLS = {"sql": sql, "command": own, "alembic": alembic, "rails": rails, "knex": knex, "prisma": prisma}


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--backout", required=True)
    options.add_argument("--keep", action="store_true", help="leave the directories")
    options.add_argument("tool", nargs="*", choices=[[], *TOOLS], metavar="TOOL")
    options = options.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="backout-migrators-"))
    directory.chmod(0o755)
    passed = failed = 0
    cluster = Cluster()
    for name in options.tool or TOOLS:
        began, words, benches = time.monotonic(), "", []

        def make(tool, how, environment):
            benches.append(Bench(directory / name, str(Path(options.backout).resolve()), cluster, tool, how, environment))
            return benches[-1]
        try:
            TOOLS[name](make)
        except Exception:
            words = traceback.format_exc() + "\n".join(benches[-1].words[-6:] if benches else [])
        passed, failed = passed + (not words), failed + bool(words)
        print(f"{'FAILED' if words else 'passed'} {name} ({time.monotonic() - began:.1f} s)", *(f"    {line}" for line in words.splitlines()),
              sep="\n", flush=True)
    cluster.remove()
    if options.keep:
        print(f"kept: {directory}")
    else:
        shutil.rmtree(directory)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
