"""Customers who keep ordering through the shop's front door, with a ledger of their own that nobody else sees.

    load.py URL LEDGER [--customers N] [--pause SECONDS] [--seed N] [--summary FILE]

An order counts once the shop has confirmed it (201): then, and only then, it is appended to LEDGER and synced, one JSON line
{"id", "reference", "customer", "items", "note", "version", "at"}. A reference is used for one order only and never sent twice.
TERM or INT ends it: every customer finishes the order in hand, and a JSON summary goes to standard output (and FILE): how many
orders were confirmed, refused and lost in doubt, and every stretch of time in which no customer was served.
"""
import argparse
import collections
import http.client
import json
import os
import random
import signal
import sys
import threading
import time
from urllib.parse import urlsplit

NOTES = ["", "leave it with the neighbour", "ring twice", "a gift: no bill please"]
OUTAGE = 0.25  # seconds without one answer that served a customer; shorter ones are only slow answers


class Ledger:
    """Confirmed orders, each durable before the customer counts it."""

    def __init__(self, path):
        self.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.lock = threading.Lock()
        self.count = 0

    def add(self, order):
        with self.lock:
            os.write(self.file, (json.dumps(order) + "\n").encode())
            os.fsync(self.file)
            self.count += 1


class Street:
    """What all customers saw, in order of time."""

    def __init__(self):
        self.seen = []
        self.lock = threading.Lock()

    def saw(self, what):
        with self.lock:
            self.seen.append((time.time(), what))

    def summary(self):
        counts = collections.Counter(what for _, what in self.seen)
        return {
            "confirmed": counts.pop("confirmed", 0),
            "maintenance page": counts.pop("maintenance page", 0),
            "errors": dict(sorted(counts.items())),
            "outages": self.outages(),
        }

    def outages(self):
        """Stretches in which nobody was served: from the last answer that served to the next one."""
        spans, last, within = [], None, collections.Counter()
        for at, what in self.seen:
            if what in ("confirmed", "status 500"):  # a failed checkout is an error, not an outage
                if last is not None and within and at - last >= OUTAGE:
                    spans.append({"from": round(last, 3), "to": round(at, 3), "seconds": round(at - last, 2), "saw": dict(within)})
                last, within = at, collections.Counter()
            else:
                within[what] += 1
        return spans


def send_order(address, order):
    """Returns (status, body), or raises OSError or HTTPException when there was no answer."""
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=25)
    try:
        body = json.dumps({key: order[key] for key in ("reference", "customer", "items", "note")})
        connection.request("POST", "/api/orders", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def customer(name, address, ledger, street, stopping, pause, seed):
    dice = random.Random(f"{seed}/{name}")
    number = 0
    while not stopping.is_set():
        number += 1
        products = dice.sample(range(1, 7), dice.choice([1, 1, 2, 3]))
        order = {"reference": f"{name}-{number:05}-{dice.getrandbits(32):08x}", "customer": name, "note": dice.choice(NOTES),
                 "items": [{"product": product, "quantity": dice.randint(1, 4)} for product in products]}
        try:
            status, body = send_order(address, order)
        except (OSError, http.client.HTTPException) as error:
            street.saw(type(error).__name__)
        else:
            if status == 201:
                ledger.add({**order, **json.loads(body), "at": time.time()})
                street.saw("confirmed")
            elif status == 503:
                street.saw("maintenance page")
            else:
                street.saw(f"status {status}")
        stopping.wait(dice.uniform(0.5, 1.5) * pause)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("url")
    options.add_argument("ledger")
    options.add_argument("--customers", type=int, default=6)
    options.add_argument("--pause", type=float, default=0.15, help="mean pause of a customer between two orders, seconds")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--summary", default="")
    given = options.parse_args()

    ledger, street, stopping = Ledger(given.ledger), Street(), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    address = urlsplit(given.url)
    customers = [threading.Thread(target=customer, args=(f"customer-{number}", address, ledger, street, stopping, given.pause, given.seed))
                 for number in range(1, given.customers + 1)]
    for thread in customers:
        thread.start()
    for thread in customers:
        while thread.is_alive():
            thread.join(0.2)
    text = json.dumps(street.summary(), indent=2)
    print(text)
    if given.summary:
        with open(given.summary, "w", encoding="utf-8") as file:
            file.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
