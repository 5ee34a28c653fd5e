"""A crowd in front of a site: each visitor has an address of its own and a connection of its own, and tells what it met."""
import http.client
import random
import threading
import time


class Crowd:
    """`met`: (when, status, release), status 0 where no whole answer came."""

    def __init__(self, port, rate=100, seed=20240607, workers=8):
        self.port, self.rate, self.seed = port, rate, seed
        self.met, self.lock, self.over = [], threading.Lock(), threading.Event()
        self.threads = [threading.Thread(target=self.work, args=(number, workers), daemon=True) for number in range(workers)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def work(self, number, workers):
        dice, due = random.Random(self.seed * 1000 + number), time.monotonic()
        while not self.over.is_set():
            due = max(due + dice.expovariate(self.rate / workers), time.monotonic() - 1)
            self.over.wait(max(0.0, due - time.monotonic()))
            client = f"10.{dice.randrange(250)}.{dice.randrange(250)}.{dice.randrange(250)}"
            status, release, connection = 0, "", http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            try:
                connection.request("GET", f"/product/{dice.randrange(100000)}", headers={"X-Forwarded-For": client})
                answer = connection.getresponse()
                answer.read()
                status, release = answer.status, answer.headers.get("X-Version", "")
            except (OSError, http.client.HTTPException):
                status = 0
            connection.close()
            with self.lock:
                self.met.append((time.time(), status, release))

    def since(self, when, until=None):
        with self.lock:
            return [one for one in self.met if when <= one[0] and (until is None or one[0] < until)]

    def not_served(self, when):
        """What failed since then and is no fault of a release's own code: a refused or cut connection, a 502, 503 or 504."""
        return [one for one in self.since(when) if one[1] == 0 or one[1] > 500]
