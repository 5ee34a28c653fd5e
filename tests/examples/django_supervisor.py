"""django-supervisor: a forum with Celery, a front end and a search index. v3 takes the comments away, and search fails."""
import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path

from place import ROOT, expect

sys.path[1:1] = [str(ROOT / "tests" / "projects"), str(ROOT / "tests" / "postgresql")]
from cluster import BIN, Cluster  # noqa: E402
from customers import Customers  # noqa: E402

NEEDS = ("root", "supervisord", "redis-server", "nginx", "node", "npm", "git", str(BIN / "initdb"),
         *(f"python:{module}" for module in ("django", "celery", "gunicorn", "psycopg2", "redis")))
WEB, FRONT, REDIS = 18610, 18611, 18612
URL = f"http://127.0.0.1:{FRONT}"
TYPES = ("post", "comment", "podcast", "course")


def begin(place):
    cluster = Cluster()
    place.at_end(cluster.remove)
    cluster.sql("postgres", "CREATE ROLE forum LOGIN; CREATE ROLE backout LOGIN CREATEDB;"
                            " GRANT forum, pg_signal_backend TO backout")
    cluster.sql("postgres", "CREATE DATABASE forum OWNER forum")
    site = place.copy({"/srv/forum": place.site, "/run/postgresql": cluster.directory, "8000": WEB, "8080": FRONT, "6379": REDIS,
                       "first: 10m": "first: 10s"})
    place.environment |= {"npm_config_offline": "true", "PIP_NO_INDEX": "1", "C_FORCE_ROOT": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    place.repository(site / "forum.git", site, ["v1", "v2", "v3"])
    place.sh("git clone -q forum.git app && mkdir log run && touch door.conf && sed -i '1i user root;' nginx.conf", quiet=True)
    place.start(["/usr/bin/redis-server", "--port", REDIS, "--bind", "127.0.0.1", "--save", "", "--dir", site / "run"])
    place.start(["/usr/sbin/nginx", "-p", site, "-c", site / "nginx.conf", "-e", site / "log/nginx-error.log",
                 "-g", "daemon off;"])
    place.start(["/usr/bin/supervisord", "-n", "-c", site / "supervisord.conf"])
    shutdown = "supervisorctl -c supervisord.conf shutdown; while [ -e run/supervisord.pid ]; do sleep 0.1; done"
    place.at_end(lambda: place.sh(shutdown, quiet=True, timeout=60))
    place.wait("supervisord", (site / "run" / "supervisor.sock").exists)
    place.sh("./deploy.sh v1")
    return cluster


def search(place, kind, headers=None):
    status, body = place.get(f"{URL}/api/v0/search/?q=test&type={kind}", headers=headers)
    return json.loads(body)["count"] if status == 200 else -status


def processes(word):
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and word in (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"):
                found.append(entry)
        except OSError:
            continue
    return found


def serves(place, version, cluster):
    """What users, git, the processes, PostgreSQL and the index say; none of them is backout."""
    site = place.site
    expect(place.get(f"{URL}/version") == (200, version), f"{version} does not serve")
    page = place.get(f"{URL}/")[1]
    script = page.split('src="')[1].split('"')[0]
    wanted = (place.example / "v2" / "frontend" / "app.js").read_text()
    expect(place.get(URL + script) == (200, wanted), f"the front end is not that of {version}: {script}")
    git = ["git", "-C", str(site / "app")]
    commits = [subprocess.run([*git, "rev-parse", what], capture_output=True, text=True, check=True).stdout
               for what in ("HEAD", f"{version}^{{commit}}")]
    expect(commits[0] == commits[1], f"HEAD is not {version}")
    switched = (site / "app" / ".git" / "HEAD").stat().st_mtime
    for word, least in (("gunicorn --workers", 3), ("celery -A forum worker", 2), ("celery -A forum beat", 1)):
        found = processes(f"{site}/app/venv/bin/python -m {word}")
        expect(len(found) >= least and all(entry.stat().st_mtime > switched - 1 for entry in found), f"{word}: {found}")
    counts = {kind: search(place, kind) for kind in TYPES}
    expect(all(count > 0 for count in counts.values()), f"search finds {counts}")
    expect(cluster.sql("forum", "SELECT count(*) FROM django_migrations WHERE app = 'channels'") == "1", "migrations applied")


def decided(place):
    said = place.backout("decide", "--no-questions", ends=(3,))
    expect("v3" in said and ("ROLL BACK" in said or "NEEDS APPROVAL" in said), said)
    return said


def run(place):
    cluster = begin(place)
    place.backout("lint")
    place.backout("record", "v1")
    place.backout("good", "v1")
    dice = random.Random(7)

    def visitor(token):
        """Somebody searches, and writes a post."""
        who = {"X-Forwarded-For": f"10.{dice.randrange(250)}.{dice.randrange(250)}.{dice.randrange(250)}"}
        search(place, dice.choice(TYPES), who)
        return place.get(f"{URL}/c/test/", f"title=test {token}", who)[0] == 201

    visitors = Customers(visitor, 0.05)
    place.at_end(lambda: visitors.end())
    visitors.begin()
    visitors.have_written(5)
    place.backout("deploy", "--version", "v2", "--", "./deploy.sh", "v2")
    place.backout("good", "v2")
    serves(place, "v2", cluster)

    place.sh("sed -i 's/first: 10s/first: 20s/' backout.yaml", quiet=True)
    place.backout("deploy", "--version", "v3", "--", "./deploy.sh", "v3", ends=(5,))
    expect(all(search(place, kind) == -500 for kind in TYPES), "search is not broken")
    visitors.have_written(10)
    place.wait("that search is broken is a fact", lambda: re.search(r"search\s+yes", decided(place)), 60)
    said = place.backout("rescue", "count")
    expect("channels_post" in said, said)
    said = place.backout("plan")
    expect("restored beside" in said and "rebuild-search" in said, said)
    said = place.rolls_back(reason="search is broken for everything")
    serves(place, "v2", cluster)
    said = place.backout("log", "--step", "rebuild-search")
    expect("comment: 1 of 1" in said, "the progress of the index is not told: " + said)
    visitors.have_written(5)
    visitors.end()
    told = {f"test {token}" for token in visitors.told}
    lost = told - set(cluster.sql("forum", "SELECT title FROM channels_post").split("\n"))
    expect(not lost, f"posts are lost: {sorted(lost)[:5]} of {len(told)}")
    expect(cluster.sql("forum", "SELECT count(*) FROM channels_comment") == "1", "the comment is not there again")
    place.wait("the worker has indexed every post", lambda: search(place, "post") >= len(told), 30)
    report = place.backout("report")
    expect("v3 -> v2" in report and "search is broken" in report and "channels_post" in report, "the report does not tell it")
    return [f"{len(told)} posts were confirmed, and are there"]
