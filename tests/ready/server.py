"""A database on a PostgreSQL server, and a role that may do just enough; and what can be taken away from them."""
import os
import shutil
import sys

import gone
from gone import Gone, Taken
from shop import away, seen_as, written

sys.path.insert(0, str(gone.HERE.parent / "postgresql"))
from cluster import BIN, Cluster  # noqa: E402

SITES = 1
WRONG = "not the password"


class Site(gone.Site):
    def __init__(self, base, backout):
        super().__init__(base, backout)
        self.cluster = Cluster()
        self.words.update(SERVER=self.cluster.directory, BIN=BIN, BASE=self.base)
        self.cluster.sql("postgres", "CREATE ROLE shop LOGIN")
        self.cluster.sql("postgres", "CREATE ROLE backout LOGIN CREATEDB PASSWORD 'a password'")
        self.cluster.sql("postgres", "GRANT shop, pg_signal_backend TO backout")
        self.cluster.sql("postgres", "CREATE DATABASE shop OWNER shop")
        hba = self.cluster.data / "pg_hba.conf"
        hba.write_text("local all backout scram-sha-256\n" + hba.read_text())
        self.cluster.sql("postgres", "SELECT pg_reload_conf()")

    def sql(self, text, database="shop"):
        return self.cluster.sql(database, text)

    def build(self):
        self.put("password", "a password\n", 0o600)
        self.put("backout.yaml", self.template("server.yaml"))
        for version in ("v1", "v2"):
            self.put(f"site/releases/{version}/VERSION", version)
        (self.root / "site" / "current").symlink_to("releases/v1")
        self.sql("SET ROLE shop; CREATE TABLE orders(id int PRIMARY KEY, note text); INSERT INTO orders SELECT i, 'x' FROM generate_series(1, 500) i")
        self.must("record", "v1")
        self.must("good", "v1")
        migrate = f"psql -qX -h {self.cluster.directory} -U shop shop -c 'ALTER TABLE orders DROP COLUMN note'"
        self.must("deploy", "--version", "v2", "--", "sh", "-c", f"{BIN}/{migrate} && ln -sfn releases/v2 {self.root}/site/current")
        self.must("good", "v2")

    def down(self):
        super().down()
        self.cluster.remove()


def by_sql(take, back, database="postgres"):
    """Something that the server forgets, or learns."""
    def taken(site):
        site.sql(take, database)
        return Taken(lambda: site.sql(back, database))
    return taken


def dump_of(site):
    """The largest file of the checkpoint's dump: it has the rows."""
    files = site.root.glob("state/sites/server/production/checkpoints/*/*.backup.dump/*")
    return max(files, key=lambda file: file.stat().st_size)


def the_dump_is_gone(site):
    return away(str(dump_of(site).parent))(site)


def one_byte_of_the_dump_is_another(site):
    return written(str(dump_of(site)), lambda bytes_: bytes_[:-9] + bytes([bytes_[-9] ^ 1]) + bytes_[-8:])(site)


def the_server_is_down(site):
    site.cluster.stop("fast")
    return Taken(site.cluster.start)


def somebody_prepared_a_transaction(site):
    site.sql("BEGIN; INSERT INTO orders VALUES (1000); PREPARE TRANSACTION 'left'")
    return Taken(lambda: site.sql("ROLLBACK PREPARED 'left'"))


def no_program(site):
    return seen_as(f"mount -t tmpfs none {BIN}; for name in pg_dump pg_restore; do "
                   'mount --bind /bin/false "$(command -v $name)" || true; done')(site)


def nobody_at_the_pooler(site):
    poolers = f"database: shop, poolers: ['host={site.filled('@SERVER@')}/pooler']"
    return written("@ROOT@/backout.yaml", lambda text: text.replace(b"database: shop", poolers.encode()))(site)


GONE = {
    "the-server": Gone(the_server_is_down, "database.look", ("@SERVER@",)),
    "its-password": Gone(written("@ROOT@/password", lambda _: WRONG.encode()), "database.look", ("backout", "password")),
    "the-file-with-its-password": Gone(away("@ROOT@/password"), "secret", ("@ROOT@/password",), ("database.look",)),
    "the-database": Gone(by_sql("ALTER DATABASE shop RENAME TO other", "ALTER DATABASE other RENAME TO shop"), "database", ("shop",),
                         ("step.look",)),
    "the-dump": Gone(the_dump_is_gone, "backup", ("dump",)),
    "one-byte-of-the-dump": Gone(one_byte_of_the_dump_is_another, "backup", ("damaged",)),
    "pg_dump-and-pg_restore": Gone(no_program, "tool", ("pg_dump",), ("step.look",), needs_root=True),
    "the-right-to-make-databases": Gone(by_sql("ALTER ROLE backout NOCREATEDB", "ALTER ROLE backout CREATEDB"), "role", ("create",)),
    "the-right-to-rename-it": Gone(by_sql("ALTER DATABASE shop OWNER TO postgres", "ALTER DATABASE shop OWNER TO shop"), "role",
                                   ("rename", "shop")),
    "the-right-to-end-sessions": Gone(by_sql("REVOKE pg_signal_backend FROM backout", "GRANT pg_signal_backend TO backout"), "role",
                                      ("sessions",)),
    "the-right-to-read-a-table": Gone(
        by_sql("ALTER TABLE orders OWNER TO postgres; REVOKE ALL ON orders FROM shop", "ALTER TABLE orders OWNER TO shop", "shop"),
        "role", ("orders",)),
    "the-right-to-see-every-row": Gone(
        by_sql("ALTER TABLE orders ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
               "ALTER TABLE orders DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY", "shop"), "role", ("orders", "row security")),
    "a-server-free-of-prepared-transactions": Gone(somebody_prepared_a_transaction, "in-the-way", ("left",)),
    "a-database-free-of-slots": Gone(
        by_sql("SELECT pg_create_logical_replication_slot('follower', 'pgoutput')", "SELECT pg_drop_replication_slot('follower')", "shop"),
        "in-the-way", ("follower",)),
    "a-pooler-to-tell": Gone(nobody_at_the_pooler, "pooler", ("@SERVER@/pooler",)),
    "room-for-the-save": Gone(
        seen_as("mkdir @BASE@/state; cp -a @ROOT@/state/. @BASE@/state; mount -t tmpfs -o size=$(($(du -sk @ROOT@/state | cut -f1) + 1024))k none @ROOT@/state; "
                "cp -a @BASE@/state/. @ROOT@/state; rm -rf @BASE@/state"), "room", ("@ROOT@/state",), needs_root=True),
}


def missing():
    return "" if (BIN / "initdb").exists() and os.geteuid() == 0 and shutil.which("unshare") else f"{BIN}/initdb, root, unshare"
