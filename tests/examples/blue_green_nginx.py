"""blue-green-nginx: v2 is brought up beside v1 and gets the traffic; one product in five fails, and nginx is pointed back."""
import os
import signal
import subprocess
import time

from crowd import Crowd
from place import expect

NEEDS = ("nginx", "curl")
FRONT, BLUE, GREEN = 18320, 18321, 18322
URL = "http://127.0.0.1:{}{}"


def begin(place):
    site = place.copy({"/srv/shop": place.site, "8080": FRONT, "8001": BLUE, "8002": GREEN, "first: 5m": "first: 10s"})
    place.sh("mkdir log run && chmod 755 . log run", quiet=True)
    place.at_end(lambda: end_pools(place))
    place.start(["/usr/sbin/nginx", "-p", site, "-c", "nginx.conf", "-e", "log/nginx-error.log", "-g", "daemon off;"])
    place.wait("nginx is up", lambda: place.get(URL.format(FRONT, "/"))[0] == 502)


def end_pools(place):
    for pool in ("blue", "green"):
        path = place.site / "run" / f"{pool}.pid"
        if path.exists():
            try:
                os.kill(int(path.read_text()), signal.SIGKILL)
            except ProcessLookupError:
                pass


def serves(place, version):
    for _ in range(10):
        expect(place.get(URL.format(FRONT, "/version")) == (200, version + "\n"), f"{version} does not serve")


def run(place):
    begin(place)
    place.backout("lint")
    place.sh("./deploy.sh v1")
    place.backout("record", "v1")
    place.backout("good", "v1")
    with Crowd(FRONT) as crowd:
        time.sleep(6)
        began = time.time()
        said = place.backout("deploy", "--version", "v2", "--", "./deploy.sh", "v2", ends=(5,))
        expect("ROLL BACK" in said or "NEEDS APPROVAL" in said, "the bad release was not seen")
        serves(place, "v2")
        place.backout("ready", ends=(0, 3))
        place.backout("decide", "--no-questions", "--explain", ends=(3,))
        plan = place.backout("plan")
        expect("100 % of the traffic -> blue, which serves v1" in plan, "the plan does not shift to blue")

        refused_by_nginx(place)

        pids = {pool: (place.site / "run" / f"{pool}.pid").read_text() for pool in ("blue", "green")}
        shifted = time.time()
        said = place.backout("rollback", "--yes", "--reason", "one product in five has no price")
        expect("Rolled back and verified" in said and "green is left running v2" in said, "ended in 0 and does not say what for")
        took = time.time() - shifted
        serves(place, "v1")
        time.sleep(1)
        quiet = time.time()
        time.sleep(1)
        answered = {release for _, _, release in crowd.since(quiet)}
        expect(answered == {"v1"}, f"since then {answered} answered")
        expect(place.get(URL.format(GREEN, "/version")) == (200, "v2\n"), "green does not run any more")
        for pool, pid in pids.items():
            expect(subprocess.run(["kill", "-0", pid.strip()], check=False).returncode == 0, f"{pool} was restarted")
    expect(not crowd.not_served(began), f"requests that nobody served: {crowd.not_served(began)[:5]}")
    place.backout("verify")
    report = place.backout("report")
    expect("v2" in report and "blue" in report and "one product in five" in report, "the report does not tell it")
    return [f"{len(crowd.since(began))} requests, none unserved; the rollback took {took:.1f} s"]


def refused_by_nginx(place):
    """`nginx -t` fails: everything stays as it was, and it is said."""
    config, pool = place.site / "nginx.conf", place.site / "pool.conf"
    text, before = config.read_text(), pool.read_text()
    config.write_text(text + "nonsense;\n")
    said = place.backout("ready", ends=(3,))
    expect("nginx does not accept its configuration" in said, "ready does not see that nginx refuses its configuration")
    # Somebody breaks it between the plan and the reload: the run ends as it was found, or says what it could not see.
    said = place.backout("rollback", "--yes", "--reason", "nginx will not have it", ends=(1, 4, 5))
    expect("nginx does not accept its configuration" in said and "nonsense" in said, "it does not say what nginx said")
    expect(pool.read_text() == before, "the pool has changed")
    serves(place, "v2")
    config.write_text(text)
    if "backout abort" in said or "backout resume" in said:
        place.backout("abort", ends=(0, 1))
    expect(pool.read_text() == before, "the pool has changed")
    serves(place, "v2")
