"""A team's own backups on PostgreSQL: one of them stands in for a damaged checkpoint; they are made, proved and kept by a timer."""
import os
import subprocess
import time

from cluster import BIN
from judge import expect, judged, rollback, serves
from shop import Customers


def with_backups(shop, more=""):
    directory = shop.root / "backups"
    directory.mkdir(exist_ok=True)
    shop.write_yaml(backups=f"  backups: {{dir: {directory}{more}}}")
    return directory


def dumped(shop, path, minutes_ago, database="shop", share=1.0):
    """As a team's own script does it, a while ago; `share` of it, when the disk was full."""
    shop.run("sh", "-euc", f"{BIN}/pg_dump -h {shop.cluster.directory} -U postgres {database} | gzip >{path}")
    os.truncate(path, int(path.stat().st_size * share))
    then = time.time() - 60 * minutes_ago
    os.utime(path, (then, then))


def tests_on(shop):
    return [name for name in shop.cluster.databases() if "__backout_check_" in name]


def from_archive(shop):
    """The checkpoint's dump is damaged, and newer backups are cut off or of something else: each is told, the way back is by the older one
    that is whole, and no order is lost, also when it goes forward again."""
    backups = with_backups(shop)
    customers = Customers(shop).begin()
    customers.have_ordered(20)
    dumped(shop, backups / "night.sql.gz", 3)
    customers.have_ordered(10)
    dumped(shop, backups / "cut.sql.gz", 2, share=0.5)
    shop.cluster.sql("postgres", "CREATE DATABASE other OWNER shop")
    shop.sql("SET ROLE shop; CREATE TABLE of_others AS SELECT 1 AS id", "other")
    dumped(shop, backups / "other.sql.gz", 1, database="other")
    shop.deploy("v2")
    customers.have_ordered(20)
    data = max((shop.root / "backout").glob("**/checkpoints/**/*.dat.gz"), key=lambda path: path.stat().st_size)
    os.truncate(data, data.stat().st_size // 2)
    plan = shop.run(shop.backout, "plan")
    for words in ("from the backup night.sql.gz", "passed over: cut.sql.gz: it is cut off", "passed over: other.sql.gz: none of the",
                  "load the backup night.sql.gz (PostgreSQL dump (plain), gzip)", "will not do"):
        expect(words in plan, f"not said: {words}\n{plan}")
    shop.run(shop.backout, *rollback(True))
    serves(shop, "v1")
    customers.have_ordered(20)
    judged(customers, "v1")
    left = [name for name in shop.cluster.databases() if "_check_" in name or "_archive" in name or "_part_" in name]
    expect(left == [], f"something is left: {left}")
    customers.begin()
    shop.run(shop.backout, *rollback(False))
    customers.have_ordered(20)
    judged(customers, "v2")


def backups_kept(shop):
    """Backups are made from a timer, each proved by a restore, and go when they are old; what the test of a killed program leaves on the
    server is dropped by the next."""
    backups = with_backups(shop, ", every: 24h")
    shop.run("faketime", "-f", "-9d", shop.backout, "-q", "backups", "take")
    for path in [*backups.iterdir(), *backups.glob("*/*")]:
        os.utime(path, (time.time() - 9 * 86400,) * 2)
    old = [path.name for path in backups.iterdir()]
    said = shop.run(shop.backout, "tick")
    expect("restored and matched its manifest" in said and f"removed {min(old)}: older than" in said, said)
    expect(not set(old) & {path.name for path in backups.iterdir()}, f"not removed: {sorted(backups.iterdir())}")
    made = [path for path in backups.iterdir() if path.is_dir()]
    expect(len(made) == 1 and made[0].name.endswith(".dump") and made[0].stat().st_mode & 0o777 == 0o700, f"made: {made}")

    dumped(shop, backups / "night.sql.gz", 1)
    said = shop.run(shop.backout, "backups", "check")
    expect("restored" in said and "BAD" not in said and tests_on(shop) == [], said)
    shop.sql("SET ROLE shop; CREATE TABLE padding AS SELECT n, repeat(md5(n::text), 20) AS words FROM generate_series(1, 40000) n")
    dumped(shop, backups / "large.sql.gz", 0)
    killed_while_testing(shop)
    shop.run(shop.backout, "-q", "backups", "check")
    expect(tests_on(shop) == [], f"left on the server: {tests_on(shop)}")

    data = max(made[0].glob("*.dat.gz"), key=lambda path: path.stat().st_size)
    os.truncate(data, data.stat().st_size - 1)
    (backups / "large.sql.gz").unlink()
    (backups / "night.sql.gz").unlink()
    said = shop.run(shop.backout, "backups", "check", status=1)
    expect("the newest is not to be relied on: " + made[0].name in said, said)


def killed_while_testing(shop):
    check = subprocess.Popen([shop.backout, "-q", "backups", "check"], cwd=shop.root, env=shop.environment, stdin=subprocess.DEVNULL)
    until = time.monotonic() + 20
    while not tests_on(shop):
        expect(time.monotonic() < until and check.poll() is None, "no test came to the server")
    tools = subprocess.run(["ps", "-o", "pid=", "--ppid", str(check.pid)], capture_output=True, text=True).stdout.split()
    check.kill()
    for tool in tools:
        os.kill(int(tool), 9)
    check.wait()
    expect(tests_on(shop), "nothing was left, so nothing is shown")
