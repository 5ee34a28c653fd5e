"""canary-haproxy: v2 gets 10 % of the traffic, the watch sees one product in five fail there, and all goes back to v1 by itself."""
import socket
import threading
import time

from blue_green_nginx import end_pools
from crowd import Crowd
from place import expect

NEEDS = ("haproxy", "curl")
FRONT, BLUE, GREEN = 18330, 18331, 18332


def ask(place, line):
    with socket.socket(socket.AF_UNIX) as admin:
        admin.connect(str(place.site / "run" / "admin.sock"))
        admin.sendall(line.encode() + b"\n")
        return admin.makefile().read()


def weights(place):
    """By HAProxy's own word: {server: (weight, admin state)}."""
    return weights_in(ask(place, "show servers state shop"))


def weights_in(state):
    rows = [line.split() for line in state.splitlines()]
    return {row[3]: (int(row[7]), int(row[6])) for row in rows if len(row) > 8 and row[1] == "shop"}


def begin(place):
    place.copy({"/srv/shop": place.site, "8080": FRONT, "8001": BLUE, "8002": GREEN, "first: 5m": "first: 40s"})
    place.sh("mkdir log run && : >run/server-state", quiet=True)
    place.at_end(lambda: end_pools(place))
    return start_haproxy(place)


def start_haproxy(place):
    # Through cat: haproxy takes O_APPEND from its standard output, and a second one would write over what the first has logged.
    place.sh("rm -f run/log && mkfifo run/log", quiet=True)
    place.start(["/bin/sh", "-c", "exec cat run/log >>log/access.log"])
    child = place.start(["/bin/sh", "-c", "exec haproxy -db -f haproxy.cfg >run/log"])
    place.wait("haproxy is up", lambda: place.get(f"http://127.0.0.1:{FRONT}/")[0] != 0)
    return child


def gone_in_mid_step(place, haproxy):
    """HAProxy dies while a canary has 10 %: the run says what it could not see, and puts everything back when it is there again."""
    before = weights(place)

    def dies():
        place.wait("the canary has traffic", lambda: weights(place)["green"][0] > 0)
        time.sleep(1)  # in the middle of its hold
        haproxy.kill()
        haproxy.wait()
    killer = threading.Thread(target=dies)
    killer.start()
    said = place.backout("rollback", "--forward", "--yes", "--reason", "and HAProxy dies", ends=(4, 5))
    killer.join()
    expect("does not answer" in said and "backout" in said.split("NOT")[-1], "it does not say what could not be looked at, and what to do")
    start_haproxy(place)
    place.wait("somebody serves", lambda: place.get(f"http://127.0.0.1:{FRONT}/version")[0] == 200)
    place.backout("abort", ends=(0, 1))
    expect(weights(place) == before, f"weights: {weights(place)}")
    place.wait("v1 serves", lambda: place.get(f"http://127.0.0.1:{FRONT}/version") == (200, "v1\n"))
    place.backout("verify")


def promoted_meanwhile(place):
    """A plan holds what an abort puts back: with other weights there than it saw, it is stale."""
    plan = place.backout("plan").split("Plan ", 1)[1].split()[0]
    place.sh("./weight.py green 90 blue 10", quiet=True)
    said = place.backout("rollback", "--yes", "--plan", plan, "--reason", "v2", ends=(3,))
    expect("stale" in said and "divided as" in said, "the plan would put back weights that nobody found")
    place.sh("./weight.py green 100 blue 0", quiet=True)


def in_steps(place):
    """Steps of backout's own: what only the access log shows decides, and no data is never good."""
    config = place.site / "backout.yaml"
    config.write_text(config.read_text().replace("  health: /health\n", "  health: /health\n  steps: [10, 50]\n  hold: 6s\n"))
    forward = ("rollback", "--forward", "--yes", "--reason", "again, slowly")
    before = ask(place, "show servers state shop")
    expect(place.get(f"http://127.0.0.1:{GREEN}/health")[0] == 200, "v2 says that it is well")
    said = place.backout(*forward, ends=(1,))
    expect("no data is never good" in said, "10 % that nobody used was taken for good")
    expect(weights(place) == weights_in(before), f"weights: {weights(place)}")
    with Crowd(FRONT) as crowd:
        time.sleep(3)
        began = time.time()
        said = place.backout(*forward, ends=(1,))
        over = time.time()
        expect("steady-traffic-10 FAILED" in said and "votes bad" in said, "v2 fails one request in five, and it went on")
        expect(weights(place) == weights_in(before), f"weights: {weights(place)}")
        seen = crowd.since(began, over)
        share = sum(1 for _, _, release in seen if release == "v2") / len(seen)
        expect(0 < share < 0.25, f"the canary had {100 * share:.0f} % of the traffic")
        # The other way it goes through: v2 has it all, and nothing is seen against v1.
        place.sh("./weight.py green 100 blue 0", quiet=True)
        place.backout("record", "v2")
        promoted_meanwhile(place)
        said = place.rolls_back("v1", reason="slowly")
    return f"in steps: {over - began:.0f} s until v2 was out of traffic again"


def run(place):
    haproxy = begin(place)
    place.backout("lint")
    place.sh("./canary.sh v1")
    place.wait("v1 serves", lambda: place.get(f"http://127.0.0.1:{FRONT}/version") == (200, "v1\n"))
    place.backout("record", "v1")
    place.backout("good", "v1")
    with Crowd(FRONT) as crowd:
        time.sleep(8)
        began = time.time()
        said = place.backout("deploy", "--version", "v2", "--", "./canary.sh", "v2", ends=(1,))
        over = time.time()
        expect("ROLL BACK v2 -> v1" in said and "canary yes" in said and "Rolled back and verified" in said, "it did not go back by itself")
        serving = weights(place)
        expect(serving["green"] == (0, 1) and serving["blue"][0] > 0 and serving["blue"][1] == 0, f"weights: {serving}")
        time.sleep(1)
        quiet = time.time()
        time.sleep(1)
        answered = {release for _, _, release in crowd.since(quiet)}
        expect(answered == {"v1"}, f"since then {answered} answered")
    seen = crowd.since(began, over)
    share = sum(1 for _, _, release in seen if release == "v2") / len(seen)
    expect(0.02 < share < 0.2, f"the canary had {100 * share:.0f} % of the traffic")
    expect(not crowd.not_served(began), f"requests that nobody served: {crowd.not_served(began)[:5]}")
    failed = sum(1 for _, status, _ in seen if status == 500)

    # The process of HAProxy is another one: what was set at runtime comes from the state file.
    haproxy.kill()
    haproxy.wait()
    haproxy = start_haproxy(place)
    place.wait("v1 serves", lambda: place.get(f"http://127.0.0.1:{FRONT}/version") == (200, "v1\n"))
    serving = weights(place)
    expect(serving["green"][0] == 0 and serving["blue"][0] > 0, f"after a restart: {serving}")
    place.backout("verify")
    # And should somebody give the bad release traffic again, a look says so.
    place.sh("./weight.py blue 90 green 10", quiet=True)
    said = place.backout("verify", ends=(1,))
    expect("marked bad" in said, "v2 gets traffic again, and nobody says so")
    place.sh("./weight.py blue 100 green 0", quiet=True)
    report = place.backout("report")
    expect("v2" in report and "blue" in report, "the report does not tell it")
    slowly = in_steps(place)
    gone_in_mid_step(place, haproxy)
    return [slowly, f"{100 * share:.0f} % went to the canary, {failed} of {len(seen)} requests failed, {over - began:.0f} s from deploy to v1 alone"]
