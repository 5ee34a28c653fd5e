"""Customers of the site: each with an address of its own, at a steady rate, through the front door. What they met is counted by
second, so that a verdict can be timed from the first request that failed."""
import http.client
import random
import threading
import time


class Traffic:
    def __init__(self, port, rate, seed, workers=8):
        self.port, self.rate, self.seed = port, rate, seed
        self.lock = threading.Lock()
        self.met = []  # (time, status)
        self.over = threading.Event()
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
        dice = random.Random(self.seed * 1000 + number)
        connection, due = None, time.monotonic()
        while not self.over.is_set():
            due = max(due + dice.expovariate(self.rate / workers), time.monotonic() - 1)
            self.over.wait(max(0.0, due - time.monotonic()))
            client = f"10.{dice.randrange(250)}.{dice.randrange(250)}.{dice.randrange(250)}"
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                connection.request("GET", f"/product/{dice.randrange(100000)}", headers={"X-Forwarded-For": client})
                answer = connection.getresponse()
                answer.read()
                status = answer.status
            except (OSError, http.client.HTTPException):
                connection, status = None, 0
            with self.lock:
                self.met.append((time.time(), status))

    def first_failure(self, after):
        """The time of the first failure of the application itself since `after`, or None."""
        with self.lock:
            return min((at for at, status in self.met if at >= after and status == 500), default=None)

    def failures(self, after, before):
        with self.lock:
            return sum(1 for at, status in self.met if after <= at < before and status >= 500)
