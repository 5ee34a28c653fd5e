"""multi-site-systemd: three sites of one platform. One goes back by the team's own dumps; the others do not notice."""
import os
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent / "projects"),
                str(Path(__file__).resolve().parent.parent / "postgresql")]
import place as places  # noqa: E402
from place import expect  # noqa: E402

NEEDS = ("root", "systemd-nspawn", "git", "redis-server", "nginx", "/usr/lib/postgresql/15/bin/initdb",
         *(f"python:{module}" for module in ("django", "celery", "gunicorn", "psycopg2", "redis")))
SITES = {"acme-kitchens": 8001, "blue-bakery": 8002, "corner-florist": 8003}
BAD = "acme-kitchens"


def run(place):
    place.in_a_machine()


def begin(place):
    from cluster import Cluster
    cluster = Cluster()
    place.at_end(cluster.remove)
    place.sh("useradd -m deploy; mkdir -p /srv/git", quiet=True)
    cluster.sql("postgres", "CREATE ROLE deploy LOGIN; CREATE ROLE backout LOGIN CREATEDB;"
                            " GRANT deploy, pg_signal_backend TO backout")
    place.site.rmdir()
    place.copy({"/run/postgresql": cluster.directory})
    place.repository("/srv/git/sum.git", place.site, ["v1", "v2", "v3"])
    place.sh("git config --system --add safe.directory '*'; systemctl start redis-server", quiet=True)
    place.sh(f"echo 127.0.0.1 {' '.join(slug + '.example' for slug in SITES)} >>/etc/hosts; rm -f /etc/nginx/sites-enabled/*;"
             " systemctl start nginx", quiet=True)
    for number, (slug, port) in enumerate(SITES.items()):
        place.sh(f"bin/add_site.sh {slug} {port} {number} && bin/deploy.sh {slug} v1")
    return cluster


def form(place, slug, text):
    return place.get(f"http://{slug}.example/form/", f"text={text}")[0] == 201


def pids(slug):
    units = [f"sum-{slug}-gunicorn", f"sum-{slug}-celery"]
    done = subprocess.run(["systemctl", "show", "-P", "MainPID", *units], capture_output=True, text=True, check=True)
    return done.stdout.split()


def serves(place, slug, version):
    """What users, git and systemd say of a site; none of them is backout."""
    url = f"http://{slug}.example"
    expect(place.get(f"{url}/version") == (200, version), f"{slug} does not serve {version}")
    expect(slug in place.get(f"{url}/")[1] and place.get(f"{url}/form/test/")[0] == 200, f"{slug} does not work")
    app = f"/srv/sum/{slug}/app"
    commits = [place.sh(["git", "-C", app, "rev-parse", what], quiet=True) for what in ("HEAD", f"{version}^{{commit}}")]
    expect(commits[0] == commits[1], f"HEAD of {slug} is not {version}")
    switched = Path(app, ".git", "HEAD").stat().st_mtime
    for pid in pids(slug):
        young = Path(f"/proc/{pid}").stat().st_mtime > switched - 1
        expect(young and os.readlink(f"/proc/{pid}/cwd") == app, f"{slug}: process {pid}")


def inside(place):
    from customers import Customers
    cluster = begin(place)
    for slug in SITES:
        for words in (["lint"], ["record", "v1"], ["good", "v1"]):
            place.backout("-C", f"/srv/sum/{slug}", *words)
    place.sh(f"sed -i 's/first: 10m/first: 4s/' /srv/sum/{BAD}/backout.yaml", quiet=True)
    place.backout("-C", f"/srv/sum/{BAD}", "deploy", "--version", "v2", "--", "bin/deploy.sh", BAD, "v2")
    place.backout("-C", f"/srv/sum/{BAD}", "good", "v2")
    told = [f"before-{number}" for number in range(5) if form(place, BAD, f"before-{number}")]
    good = place.sh(f"bin/backup_db.sh {BAD}").strip()
    told += [f"after-{number}" for number in range(5) if form(place, BAD, f"after-{number}")]
    place.sh("sleep 1.1", quiet=True)
    newest = place.sh(f"bin/backup_db.sh {BAD}").strip()
    place.sh(f"truncate -s -20 {newest}")  # the disk was full that night
    others = {slug: Customers(lambda token, slug=slug: form(place, slug, token)) for slug in SITES if slug != BAD}
    for customers in others.values():
        place.at_end(customers.end)
        customers.begin()
    untouched = {slug: pids(slug) for slug in others}

    place.sh(f"bin/deploy.sh {BAD} v3")  # by hand, as always: no checkpoint
    place.backout("-C", f"/srv/sum/{BAD}", "record", "v3")
    expect(not form(place, BAD, "lost"), "v3 is not broken")
    said = place.backout("-C", f"/srv/sum/{BAD}", "watch", "--for", "20s", "--every", "5s", ends=(1,))
    expect("/form/test/" in said, said)
    said = place.backout("-C", f"/srv/sum/{BAD}", "decide", "--no-questions", ends=(3,))
    expect("ROLL BACK" in said or "NEEDS APPROVAL" in said, said)
    place.backout("-C", f"/srv/sum/{BAD}", "backups", "check", ends=(1,))
    said = place.backout("-C", f"/srv/sum/{BAD}", "plan")
    expect(os.path.basename(good) in said and os.path.basename(newest) in said, said)
    place.rolls_back(reason="nobody can send the form", site=f"/srv/sum/{BAD}")
    serves(place, BAD, "v2")
    kept = cluster.sql(f"sum-{BAD}", "SELECT text FROM sum_enquiry").split("\n")
    expect(len(told) == 10 and set(told) <= set(kept), f"of {told} only {kept} are there")

    for slug, customers in others.items():
        expect(pids(slug) == untouched[slug], f"{slug} was touched")
        serves(place, slug, "v1")
        customers.end()
        expect(customers.tried - len(customers.told) <= 1, f"{slug} refused {customers.tried - len(customers.told)} enquiries")
    report = place.backout("-C", f"/srv/sum/{BAD}", "report")
    expect("v3 -> v2" in report and "nobody can send the form" in report, "the report does not tell it")
    said = place.backout("--state", "/var/lib/backout", "sites")
    lines = {line.split("/")[0]: line for line in said.splitlines() if "/production" in line}
    expect("v3 -> v2 done" in lines[BAD] and all("v1 known-good" in lines[slug] for slug in others), said)
    expect("v3" in place.backout("-C", f"/srv/sum/{BAD}", "log", "--broke"), "what broke is not told")


if __name__ == "__main__":
    sys.exit(places.main("multi-site-systemd", "/srv/platform", inside))
