#!/usr/bin/python3
"""What counting and carrying rows costs on PostgreSQL, against what else does it, on a server made for the purpose. JSON rows.

    bench/postgresql_bench.py [NAME...]     pg_diff, pg_diff_9pct, pg_count, pg_count_inserts, pg_count_slot, slot_read,
                                            rescue_load, swap_outage_p50, swap_outage_max, pg_rss

BENCH_ROWS is the size of the table (1000000), BENCH_PG_ROUNDS the number of rounds (5). In a round everybody has one turn;
figures are medians over the rounds, ratios medians of the ratios within a round. What the peers count must be what we count.
"""
import json
import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "postgresql"))
from cluster import BIN, Cluster  # noqa: E402

BUILD = Path(os.environ.get("BENCH_BUILD", ROOT / "build" / "release"))
ROWS = int(os.environ.get("BENCH_ROWS", "1000000"))
ROUNDS = int(os.environ.get("BENCH_PG_ROUNDS", "5"))
SWAPS = int(os.environ.get("BENCH_SWAPS", "20"))
LOADED = ROWS // 10  # rows that a rescue carries
LIMIT = 3600         # seconds, for any one program
NAMES = ["pg_diff", "pg_diff_9pct", "pg_count_inserts", "pg_count", "pg_count_slot", "slot_read", "rescue_load", "swap_outage_p50", "swap_outage_max", "pg_rss"]
COUNTS = "SELECT count(*) FROM orders"
SETTINGS = "fsync=on\nshared_buffers=1GB\nmax_wal_size=8GB\ncheckpoint_timeout=30min\nautovacuum=off\nwal_level=logical\n"

# Nine columns, some 170 bytes a row, three indexes.
SHOP = f"""
CREATE TABLE orders (id bigint PRIMARY KEY, customer integer NOT NULL, item text NOT NULL, amount numeric(12,2) NOT NULL,
  state text NOT NULL, paid boolean NOT NULL, note text, created timestamptz NOT NULL, changed timestamptz);
CREATE FUNCTION made(first bigint, last bigint) RETURNS SETOF orders LANGUAGE sql AS $$
  SELECT i, (i * 7919 % 99991)::int, 'item ' || i % 5000, (i % 100000) / 100.0, 'sent', i % 3 = 0,
    CASE WHEN i % 4 > 0 THEN 'please leave it with the neighbours, ' || md5(i::text) END,
    '2026-01-01'::timestamptz + i * interval '1 second', CASE WHEN i % 2 = 0 THEN '2026-06-01'::timestamptz END
  FROM generate_series(first, last) AS i $$;
INSERT INTO orders SELECT * FROM made(1, {ROWS});
CREATE INDEX ON orders (customer);
CREATE INDEX ON orders (created);
"""
# A part of the rows, anywhere in the table: a quarter of it new, an eighth deleted, the rest changed.
INSERTS = "INSERT INTO orders SELECT * FROM made({rows} + 1, {rows} + {rows} * {part}::bigint / 40000)"
CHANGES = """
UPDATE orders SET state = 'returned', changed = now() WHERE id <= {rows} AND abs(hashint8(id)) % 80000 < {part} * 5;
DELETE FROM orders WHERE id <= {rows} AND abs(hashint8(id + 1000000007)) % 80000 < {part};
"""
# The same changes by many transactions, as users make them.
BY_USERS = """
DO $$ BEGIN FOR part IN 0..39 LOOP
  UPDATE orders SET state = 'returned', changed = now() WHERE id <= {rows} AND abs(hashint8(id)) % 80000 < {part} * 5 AND id % 40 = part;
  COMMIT;
END LOOP; END $$
"""
DELETES = "DELETE FROM orders WHERE id <= {rows} AND abs(hashint8(id + 1000000007)) % 80000 < {part}"
STREAMED = """
DO $$ BEGIN FOR part IN 0..19 LOOP
  UPDATE orders SET state = 'returned', changed = now() WHERE id > part * {rows} / 40 AND id <= (part + 1) * {rows} / 40;
  COMMIT;
END LOOP; END $$
"""
HASHES = """SELECT count(*), bit_xor(hash_record_extended(
  ROW(id, customer, item, amount, state, paid, note, created, changed), 1)) FROM orders"""


class Bench:
    def __init__(self):
        self.cluster = Cluster(SETTINGS)
        self.server = f"host={self.cluster.directory} user=postgres"
        self.most_memory = 0.0

    def sql(self, database, text):
        return self.cluster.sql(database, text)

    def copy(self, source, target):
        self.sql("postgres", f"DROP DATABASE IF EXISTS {target}")
        self.sql("postgres", f"CREATE DATABASE {target} TEMPLATE {source} STRATEGY file_copy")

    def make_base(self):
        self.sql("postgres", "CREATE DATABASE base")
        self.sql("base", SHOP)
        self.sql("base", "VACUUM (FREEZE, ANALYZE) orders")

    def changed(self, name, part):
        """The base with `part` ten-thousandths of its rows changed by users."""
        self.copy("base", name)
        self.sql(name, CHANGES.format(part=part, rows=ROWS))
        self.sql(name, INSERTS.format(part=part, rows=ROWS))
        self.sql(name, "VACUUM (ANALYZE) orders")

    def tool(self, verb, **arguments):
        """Seconds and evidence of a verb as a process of its own; the most memory that any took is kept."""
        errors = self.cluster.directory / "tool.out"
        text = json.dumps({"server": self.server, "maintenance": "postgres", **arguments})
        began = time.perf_counter()
        with open(errors, "w+") as out:
            child = subprocess.Popen([BUILD / "backout", "internal", "postgresql", verb], stdin=subprocess.PIPE, stdout=out,
                                     stderr=out, text=True)
            child.stdin.write(text)
            child.stdin.close()
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        took = time.perf_counter() - began
        said = errors.read_text()
        if child.returncode != 0:
            raise SystemExit(f"backout internal postgresql {verb}: {said}")
        self.most_memory = max(self.most_memory, usage.ru_maxrss / 1024)
        return took, json.loads(said.splitlines()[-1])

    def diff(self, live):
        return self.tool("diff", live=live, target="base")

    def rescue(self, live, target, tag):
        path = self.cluster.directory
        return self.tool("rescue", live=live, target=target, record=f"{path}/{tag}.json", conflicts=f"{path}/{tag}.conflicts",
                         archive=f"{path}/{tag}.archive")

    def at_once(self, statement, *databases):
        """Seconds until a statement is answered in all of the databases, by a session each, at the same time."""
        began = time.perf_counter()
        children = [subprocess.Popen([BIN / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", name, "-c", statement],
                                     env=self.cluster.environment, stdout=subprocess.DEVNULL) for name in databases]
        if any(child.wait(timeout=LIMIT) for child in children):
            raise SystemExit(f"{statement}: failed")
        return time.perf_counter() - began

    def comparator(self, live):
        """pg_comparator at its best: its C functions, the key as it is, both sides at once. Seconds and differences."""
        began = time.perf_counter()
        done = subprocess.run(
            ["pg_comparator", "--use-key", "--aggregate=xor", "--checksum-function=ck", "--max-ratio=2", "--pg-text-cast",
             f"postgres@/{live}/orders?id", "postgres@/base/orders"],
            env=self.cluster.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT)
        took = time.perf_counter() - began
        lines = [line.split(" ")[0] for line in done.stdout.splitlines()]
        counts = [lines.count(word) for word in ("INSERT", "UPDATE", "DELETE")]
        if sum(counts) == 0:
            raise SystemExit(f"pg_comparator: {done.stdout[-500:]}{done.stderr[-500:]}")
        return took, counts


def middle(values):
    return statistics.median(values)


def row(name, values, unit, peer=None, peer_values=None, ratios=None):
    """Higher ratios are better; without any, there is no peer."""
    low, high = (f"{value:,.0f}" if value >= 1000 else f"{value:.3g}" for value in (min(values), max(values)))
    print(json.dumps({"name": name, "value": middle(values), "unit": unit, "peer": peer,
                      "peer_value": middle(peer_values) if peer_values else None, "ratio": middle(ratios) if ratios else None,
                      "about": f"{ROWS:,} rows, {len(values)} rounds, {low} to {high}"}), flush=True)


def rates(name, ours, others):
    """Rows of a table in a second; others: peer -> seconds, in the same rounds."""
    for peer, theirs in others.items():
        row(name, [ROWS / s for s in ours], "rows/s", peer, [ROWS / s for s in theirs], [t / o for o, t in zip(ours, theirs)])


def diff(bench, name, part, wanted):
    live = f"live_{part}"
    bench.changed(live, part)
    for database in ("base", live):
        bench.sql(database, "CREATE EXTENSION IF NOT EXISTS pgcmp")
    ours, theirs, floor = [], [], []
    for turn in range(ROUNDS + 1):
        taken, evidence = bench.diff(live)
        changes = evidence["rows"]["orders"]
        peer, seen = bench.comparator(live)
        if seen != [changes[key] for key in ("insert", "update", "delete")]:
            raise SystemExit(f"{name}: we count {changes}, pg_comparator {seen}")
        scan = bench.at_once(HASHES, "base", live)
        if turn > 0:  # the first one warms the caches
            ours, theirs, floor = ours + [taken], theirs + [peer], floor + [scan]
    print(f"{name}: {json.dumps(evidence['compared'])} {json.dumps(changes)}", file=sys.stderr)
    if name in wanted:
        rates(name, ours, {"pg_comparator": theirs, "floor": floor})


def count(bench, wanted):
    """What a plan asks, when nothing is restored yet: the live database against the checkpoint's files."""
    path = bench.cluster.directory
    bench.copy("base", "counted")
    bench.tool("backup", database="counted", directory=f"{path}/dump", manifest=f"{path}/manifest.json", jobs=2)
    for name, changes in (("pg_count_inserts", INSERTS), ("pg_count", CHANGES)):
        bench.sql("counted", changes.format(part=20, rows=ROWS))
        bench.sql("counted", "VACUUM (ANALYZE) orders")
        ours, counts = [], []
        for turn in range(ROUNDS + 1 if name in wanted else 1):  # the first one is for warmth and memory
            taken, evidence = bench.tool("count", live="counted", backup=f"{path}/dump", manifest=f"{path}/manifest.json")
            counted = bench.at_once(COUNTS, "base", "counted")
            if turn > 0:
                ours, counts = ours + [taken], counts + [counted]
        if ours:
            print(f"{name}: {json.dumps(evidence['compared'])} {json.dumps(evidence['rows']['orders'])}", file=sys.stderr)
            row(name, ours, "s", "count", counts, [c / o for o, c in zip(ours, counts)])


def count_by_slot(bench):
    """The same for a checkpoint that a slot follows."""
    path = bench.cluster.directory
    bench.copy("base", "followed")
    _, taken = bench.tool("backup", database="followed", directory=f"{path}/slot.dump", manifest=f"{path}/slot.json", jobs=2, capture="slot")
    if not taken["part"]["slot"]:
        raise SystemExit(f"pg_count_slot: {taken['notes']}")
    for changes in (INSERTS, BY_USERS, DELETES):
        bench.sql("followed", changes.format(part=20, rows=ROWS))
    bench.sql("followed", "VACUUM (ANALYZE) orders")
    ours, counts = [], []
    for turn in range(ROUNDS + 1):
        taken, evidence = bench.tool("count", live="followed", backup=f"{path}/slot.dump", manifest=f"{path}/slot.json")
        counted = bench.at_once(COUNTS, "base", "followed")
        if turn > 0:
            ours, counts = ours + [taken], counts + [counted]
    print(f"pg_count_slot: {json.dumps(evidence['compared'])} {json.dumps(evidence['rows']['orders'])}", file=sys.stderr)
    row("pg_count_slot", ours, "s", "count", counts, [c / o for o, c in zip(ours, counts)])
    bench.tool("drop-slots", database="followed")


def slot_read(bench):
    """Changes a second that are read from a slot and taken apart, against pg_recvlogical that throws them away."""
    bench.copy("base", "streamed")
    bench.sql("streamed", "CREATE PUBLICATION streamed FOR TABLE orders")
    bench.sql("streamed", "SELECT pg_create_logical_replication_slot('streamed', 'pgoutput')")
    bench.sql("streamed", STREAMED.format(rows=ROWS))
    end = bench.sql("streamed", "SELECT pg_current_wal_flush_lsn()").strip()
    ours, theirs, changes = [], [], 0
    for turn in range(ROUNDS + 1):
        taken, evidence = bench.tool("read-slot", database="streamed", slot="streamed")
        changes = evidence["changes"]
        bench.sql("streamed", "SELECT pg_copy_logical_replication_slot('streamed', 'peer')")
        began = time.perf_counter()
        subprocess.run([BIN / "pg_recvlogical", "-d", "streamed", "--slot=peer", "--start", "--file=/dev/null", f"--endpos={end}",
                        "--no-loop", "--fsync-interval=0", "-o", "proto_version=1", "-o", "publication_names=streamed"],
                       env=bench.cluster.environment, check=True, timeout=LIMIT)
        peer = time.perf_counter() - began
        bench.sql("streamed", "SELECT pg_drop_replication_slot('peer')")
        if turn > 0:
            ours, theirs = ours + [taken], theirs + [peer]
    bench.sql("streamed", "SELECT pg_drop_replication_slot('streamed')")
    if changes != ROWS // 2:
        raise SystemExit(f"slot_read: {changes} changes were read, {ROWS // 2} were made")
    row("slot_read", [changes / s for s in ours], "changes/s", "pg_recvlogical", [changes / s for s in theirs],
        [t / o for o, t in zip(ours, theirs)])


def loading(lines):
    """Seconds of a rescue's writing session from its first staged row to its commit, by the server's log."""
    of_stage = re.compile(r"\[(\d+)\] LOG:  duration: .* COPY pg_temp\.backout_stage")
    first, writer = next((i, found[1]) for i, found in enumerate(map(of_stage.search, lines)) if found)
    spent = re.compile(rf"\[{writer}\] LOG:  duration: ([\d.]+) ms  (?:statement: (COMMIT))?")
    seconds = 0.0
    for found in filter(None, map(spent.search, lines[first:])):
        seconds += float(found[1]) / 1000
        if found[2]:
            return seconds
    raise SystemExit("rescue_load: the server's log has no COMMIT")


def rescue_load(bench):
    """Reading, staging and writing rows in a rescue, against COPY of them into the same table."""
    bench.copy("base", "live_load")
    bench.sql("live_load", f"INSERT INTO orders SELECT * FROM made({ROWS} + 1, {ROWS} + {LOADED})")
    bench.sql("live_load", "VACUUM (ANALYZE) orders")
    file = bench.cluster.directory / "rows.copy"
    bench.sql("live_load", f"COPY (SELECT * FROM orders WHERE id > {ROWS} ORDER BY id) TO '{file}'")
    ours, copied = [], []
    for turn in range(ROUNDS):
        bench.copy("base", "target")
        bench.sql("postgres", "ALTER DATABASE target SET log_min_duration_statement = 0")
        already = len((bench.cluster.directory / "log").read_text().splitlines())
        _, evidence = bench.rescue("live_load", "target", f"load-{turn}")
        if evidence["carried"]["orders"]["insert"] != LOADED or evidence["conflict_count"] != 0:
            raise SystemExit(f"rescue_load: {evidence}")
        ours.append(loading((bench.cluster.directory / "log").read_text().splitlines()[already:]))
        bench.copy("base", "target")
        copied.append(bench.at_once(f"COPY orders FROM '{file}'", "target"))
    row("rescue_load", [LOADED / s for s in ours], "rows/s", "copy", [LOADED / s for s in copied],
        [c / o for o, c in zip(ours, copied)])


class Clients:
    """Eight that ask for a row all the time; what each of them missed, at each change of the database, in ms."""

    def __init__(self, bench, query):
        self.child = subprocess.Popen([BUILD / "swap_clients", bench.server, "shop", query], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True)

    def gaps(self, change):
        time.sleep(0.5)
        change()
        return [float(self.child.stdout.readline()) for _ in range(8)]

    def end(self):
        self.child.stdin.close()
        self.child.wait(timeout=LIMIT)


def drop_and_restore(bench, dump):
    """The runbooks' way."""
    bench.sql("postgres", "DROP DATABASE shop WITH (FORCE)")
    bench.sql("postgres", "CREATE DATABASE shop")
    with open(bench.cluster.directory / "psql.out", "w") as out:
        subprocess.run([BIN / "psql", "-Xq", "-d", "shop", "-f", dump], env=bench.cluster.environment, stdout=out, check=True,
                       timeout=LIMIT)


def swap_outage(bench, wanted):
    new, old = "shop__backout_r1_new", "shop__backout_r1_old"
    path = bench.cluster.directory
    bench.copy("base", "shop")
    bench.copy("base", new)
    clients = Clients(bench, f"SELECT note FROM public.orders WHERE id = {ROWS}")
    ours = []
    for turn in range(SWAPS):
        bench.rescue("shop", new, f"swap-{turn}")
        ours += clients.gaps(lambda turn=turn: bench.tool(
            "swap", database="shop", incoming=new, keep=old, marker=f"{path}/marker-{turn}.json",
            rescue={"live": "shop", "target": new, "record": f"{path}/swap-{turn}.json", "conflicts": f"{path}/s.conflicts",
                    "archive": f"{path}/s.archive"}))
        bench.sql("postgres", f"ALTER DATABASE {old} RENAME TO {new}; ALTER DATABASE {new} ALLOW_CONNECTIONS true")
    dump = path / "shop.sql"
    subprocess.run([BIN / "pg_dump", "-d", "shop", "-f", dump], env=bench.cluster.environment, check=True, timeout=LIMIT)
    theirs = clients.gaps(lambda: drop_and_restore(bench, dump))
    clients.end()
    for name, of in (("swap_outage_p50", middle), ("swap_outage_max", max)):
        if name in wanted:
            print(json.dumps({"name": name, "value": of(ours), "unit": "ms", "peer": "drop-restore", "peer_value": of(theirs),
                              "ratio": of(theirs) / of(ours), "about": f"{ROWS:,} rows, {SWAPS} swaps, 8 clients"}), flush=True)


def main():
    wanted = [name for name in NAMES if len(sys.argv) == 1 or name in sys.argv[1:]]
    if not wanted:
        return 0
    bench = Bench()
    try:
        bench.make_base()
        if {"pg_diff", "pg_rss"} & set(wanted):
            diff(bench, "pg_diff", 20, wanted)
        if {"pg_diff_9pct", "pg_rss"} & set(wanted):
            diff(bench, "pg_diff_9pct", 900, wanted)
        if {"pg_count", "pg_count_inserts", "pg_rss"} & set(wanted):
            count(bench, wanted)
        if {"pg_count_slot", "pg_rss"} & set(wanted):
            count_by_slot(bench)
        if {"slot_read", "pg_rss"} & set(wanted):
            slot_read(bench)
        if {"rescue_load", "pg_rss"} & set(wanted):
            rescue_load(bench)
        if {"swap_outage_p50", "swap_outage_max"} & set(wanted):
            swap_outage(bench, wanted)
        if "pg_rss" in wanted:
            row("pg_rss", [bench.most_memory], "MiB")
    finally:
        bench.cluster.remove()
    return 0


if __name__ == "__main__":
    sys.exit(main())
