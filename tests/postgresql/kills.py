"""kill -9 of the controller, of the tool inside it and of the server, again and again on one site that goes back and forward."""
import os
import random
import threading
import time
from pathlib import Path

from judge import ended, expect, judged, rollback
from shop import Customers

CYCLES = 18  # BACKOUT_KILLS=N takes N points, BACKOUT_KILLS=all every one


def gone_on_with(shop, back, words):
    """What was killed or put back is gone on with, by what its last words offer, until the wanted release serves."""
    way, wanted = rollback(back), "v1" if back else "v2"
    for _ in range(5):
        offered = "backout resume" in shop.words[-1].partition("\n")[2]
        shop.run(shop.backout, *(["resume"] if offered or words.startswith("killed") else way), status=None)
        if ended(shop) and shop.ask("/version")[1] == wanted:
            return
        words = ""
    raise AssertionError(f"{words}: {wanted} does not serve after five tries")


def killed(shop):
    """At points chosen from all that a clean run passes: each command of the controller before, during and after, and each thing that the
    tool inside it tells the server."""
    seed = int(os.environ.get("BACKOUT_SEED") or random.randrange(1 << 30))
    dice, customers = random.Random(seed), Customers(shop).begin()
    customers.have_ordered(10)
    shop.deploy("v2")
    points = {back: passed(shop, back, customers) for back in (True, False)}
    wanted = {back: chosen(points[back], dice) for back in points}
    back, done = True, {True: 0, False: 0}
    while wanted[back]:
        point = wanted[back].pop()
        customers.have_ordered(5)
        shop.kill = point
        shop.run(shop.backout, *rollback(back), status=None)
        shop.kill = ""
        if not ended(shop):
            gone_on_with(shop, back, f"killed at {point}")
        expect(shop.ask("/version")[1] == ("v1" if back else "v2"), f"killed at {point}: not the release that was wanted")
        judged(customers)
        customers.begin()
        done[back] += 1
        back = not back
    customers.end()
    print(f"    BACKOUT_SEED={seed}: {done[True]} of {len(points[True])} points of the way back, "
          f"{done[False]} of {len(points[False])} of the way forward", flush=True)


def passed(shop, back, customers):
    """The points of a clean run."""
    file = shop.root / f"points-{back}"
    shop.points = file
    shop.run(shop.backout, *rollback(back))
    shop.points = ""
    customers.have_ordered(5)
    return sorted(set(file.read_text().split()))


def chosen(points, dice):
    """Of commands and of what servers are told as many each, unless all are asked for."""
    wanted = os.environ.get("BACKOUT_KILLS") or str(CYCLES)
    kinds = [[point for point in points if point.startswith(kind)] for kind in ("command:", "sql:")]
    for kind in kinds:
        expect(kind, f"no points of a kind: {points}")
        dice.shuffle(kind)
    if wanted == "all":
        return kinds[0] + kinds[1]
    each = max(int(wanted) // 4, 1)
    return kinds[0][:each + 1] + kinds[1][:each]


def server_killed(shop):
    """kill -9 of PostgreSQL while rows are carried and swapped: it comes up again, and the run goes on or is undone."""
    customers = Customers(shop).begin()
    customers.have_ordered(10)
    shop.deploy("v2")
    back = True
    for number, verb in enumerate(["restore", "rescue", "swap", "swap"]):
        customers.have_ordered(5)
        enemy = Enemy(shop, verb, 0.05 * (number % 3))
        shop.run(shop.backout, *rollback(back), status=None)
        struck = enemy.end()
        expect(struck, f"nothing was struck during {verb}")
        if not ended(shop):
            gone_on_with(shop, back, f"the server died during {verb}")
        wanted = "v1" if back else "v2"
        expect(shop.ask("/version")[1] == wanted, f"server killed during {verb}: {wanted} does not serve")
        customers.have_ordered(5)
        judged(customers)
        customers.begin()
        back = not back
    customers.end()


class Enemy:
    """Ends PostgreSQL by SIGKILL once, while `backout internal postgresql VERB` runs, and starts it again."""

    def __init__(self, shop, verb, after):
        self.shop, self.verb, self.after = shop, verb, after
        self.stopped, self.struck = threading.Event(), False
        self.thread = threading.Thread(target=self.wait, daemon=True)
        self.thread.start()

    def runs(self):
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    words = (entry / "cmdline").read_bytes().split(b"\0")
                except OSError:
                    continue
                if words[1:4] == [b"internal", b"postgresql", self.verb.encode()]:
                    return True
        return False

    def wait(self):
        while not self.stopped.wait(0.002):
            if self.runs():
                time.sleep(self.after)
                self.shop.cluster.kill()
                self.struck = True
                return

    def end(self):
        self.stopped.set()
        self.thread.join()
        return self.struck
