"""node-pm2: notes in two workers of PM2, Knex on PostgreSQL, nginx. v3 lists no note that was left with it."""
import os
import subprocess
import sys
import time
from pathlib import Path

from place import ROOT, expect

sys.path[1:1] = [str(ROOT / "tests" / "projects"), str(ROOT / "tests" / "postgresql")]
import npm  # noqa: E402
from cluster import BIN, Cluster  # noqa: E402
from customers import Customers  # noqa: E402

NEEDS = ("root", "node", "npm", "nginx", "git", str(BIN / "initdb"))
WEB, FRONT = 18600, 18601


def begin(place):
    """The machine on the day on which the team meets backout: v1 runs, deployed by their own script."""
    pm2 = npm.run(["sh", ROOT / "tests" / "support" / "pm2.sh", ROOT], ROOT).strip()
    cache = npm.cache(place.example / "v1" / "package-lock.json", "examples-npm")
    cluster = Cluster()
    place.at_end(cluster.remove)
    cluster.sql("postgres", "CREATE ROLE notes LOGIN; CREATE ROLE backout LOGIN CREATEDB;"
                            " GRANT notes, pg_signal_backend TO backout")
    cluster.sql("postgres", "CREATE DATABASE notes OWNER notes")
    site = place.copy({"/srv/notes": place.site, "/run/postgresql": cluster.directory, "3000": WEB, "8080": FRONT,
                       "first: 5m": "first: 6s"})
    place.environment |= {"npm_config_cache": str(cache), "npm_config_offline": "true", "PM2_HOME": str(site / "pm2"),
                          "PATH": f"{os.path.dirname(pm2)}:{place.environment['PATH']}"}
    place.repository(site / "notes.git", site, ["v1", "v2", "v3"])
    place.sh(f"git clone -q notes.git app && mkdir log && touch door.conf && sed -i '1i user root;' nginx.conf", quiet=True)
    place.start(["/usr/sbin/nginx", "-p", site, "-c", site / "nginx.conf", "-e", site / "log/nginx-error.log",
                 "-g", "daemon off;"])
    place.at_end(lambda: place.sh("pm2 kill", quiet=True))
    place.sh("./deploy.sh v1")
    return cluster


def serves(place, version, cluster, columns):
    """What users, git, the workers and PostgreSQL say; none of them is backout."""
    site = place.site
    for _ in range(4):  # both workers
        expect(place.get(f"http://127.0.0.1:{FRONT}/version") == (200, version + "\n"), f"{version} does not serve")
    expect(place.get(f"http://127.0.0.1:{FRONT}/notes")[0] == 200, "the notes are not listed")
    git = ["git", "-C", str(site / "app")]
    commits = [subprocess.run([*git, "rev-parse", what], capture_output=True, text=True, check=True).stdout
               for what in ("HEAD", f"{version}^{{commit}}")]
    expect(commits[0] == commits[1], f"HEAD is not {version}")
    workers = [entry for entry in Path("/proc").iterdir() if entry.name.isdigit() and runs(entry, site / "app" / "server.js")]
    switched = (site / "app" / ".git" / "HEAD").stat().st_mtime
    expect(len(workers) == 2 and all(entry.stat().st_mtime > switched - 1 for entry in workers), f"workers: {workers}")
    found = cluster.sql("notes", "SELECT string_agg(column_name, ' ' ORDER BY ordinal_position) FROM information_schema.columns"
                                 " WHERE table_name = 'notes'")
    expect(found == columns, f"columns of notes: {found}")


def runs(entry, script):
    try:
        return str(script) in (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return False


def run(place):
    cluster = begin(place)
    place.backout("lint")
    place.backout("record", "v1")
    place.backout("good", "v1")
    customers = Customers(lambda token: place.get(f"http://127.0.0.1:{FRONT}/notes", token)[0] == 201, 0.1)
    place.at_end(lambda: customers.end())
    customers.begin()
    customers.have_written(5)
    place.backout("deploy", "--version", "v2", "--", "./deploy.sh", "v2")
    place.backout("good", "v2")
    place.backout("ready")
    serves(place, "v2", cluster, "id text at")

    customers.rest()  # it is night: v3 passes its checks, and breaks with the first note

    def morning():
        place.wait("v3", lambda: place.get(f"http://127.0.0.1:{WEB}/version")[1].strip() == "v3", 40)
        time.sleep(4)
        customers.begin()

    place.sh("sed -i 's/first: 6s/first: 40s/' backout.yaml", quiet=True)
    place.deploys_badly("v3", morning, "./deploy.sh", "v3")
    expect(place.get(f"http://127.0.0.1:{FRONT}/notes")[0] == 500, "v3 is not broken")
    said = place.backout("decide", "--no-questions", ends=(3,))
    expect("v3" in said and ("ROLL BACK" in said or "NEEDS APPROVAL" in said), said)
    said = place.backout("plan")
    expect("is stepped down" in said and "20240301000001_channel.js" in said, said)
    customers.have_written(5)
    place.rolls_back(reason="the notes are not listed")
    serves(place, "v2", cluster, "id text at")
    customers.have_written(5)
    customers.end()
    lost = set(customers.told) - set(cluster.sql("notes", "SELECT text FROM notes").split("\n"))
    expect(not lost, f"notes are lost: {sorted(lost)[:5]} of {len(customers.told)}")
    report = place.backout("report")
    expect("v3 -> v2" in report and "the notes are not listed" in report, "the report does not tell it")
    return [f"{len(customers.told)} notes were confirmed, and are there"]
