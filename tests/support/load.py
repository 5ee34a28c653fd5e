"""Users while a program changes hands: each asks on a connection of its own, briefly all the time, and at length."""
import http.client
import threading
import time


class Load:
    """`targets`: (address, port). Short questions are GET /version; long ones GET /export?for=..., whose last line is "end of VERSION"."""

    def __init__(self, targets, lasts="2500ms", pause=0.03):
        self.targets, self.lasts, self.pause = targets, lasts, pause
        self.stopped, self.lock = threading.Event(), threading.Lock()
        self.faults, self.short, self.long, self.marks = [], {}, {}, {}
        self.slowest, self.began = 0.0, time.monotonic()
        self.threads = []

    def begin(self):
        self.began = time.monotonic()
        for target in self.targets:
            for question in (self.ask_briefly, self.ask_briefly, self.ask_at_length, self.ask_at_length):
                self.threads.append(threading.Thread(target=self.keep_asking, args=(question, target), daemon=True))
        for number, thread in enumerate(self.threads):
            thread.start()
            time.sleep(0.05 if number else 0)

    def end(self):
        """What went wrong, in words; long answers are waited for."""
        self.stopped.set()
        for thread in self.threads:
            thread.join(40)
        return self.faults

    def keep_asking(self, question, target):
        while not self.stopped.wait(self.pause):
            asked = time.monotonic()
            try:
                question(target)
            except Exception as error:
                with self.lock:
                    self.faults.append(f"{target[0]} {question.__name__} after {asked - self.began:.1f} s: {error!r}")

    def get(self, target, path, timeout):
        connection = http.client.HTTPConnection(*target, timeout=timeout)
        try:
            connection.request("GET", path, headers={"Connection": "close"})
            answer = connection.getresponse()
            text = answer.read().decode()
            if answer.status != 200:
                raise RuntimeError(f"{path}: {answer.status} {text}")
            return text.strip()
        finally:
            connection.close()

    def ask_briefly(self, target):
        asked = time.monotonic()
        version = self.get(target, "/version", 15)
        with self.lock:
            self.short[version] = self.short.get(version, 0) + 1
            self.slowest = max(self.slowest, time.monotonic() - asked)

    def ask_at_length(self, target):
        text = self.get(target, f"/export?for={self.lasts}", 30)
        if "end of " not in text:
            raise RuntimeError("the answer was cut")
        version = text.rpartition("end of ")[2]
        with self.lock:
            self.long.setdefault(version, []).append(time.monotonic() - self.began)

    def mark(self, name):
        self.marks[name] = time.monotonic() - self.began

    def wait_for_answers(self):
        time.sleep(0.5)

    def finished(self, version):
        """How many long answers of `version` came to their end after the last mark."""
        after = max(self.marks.values(), default=0)
        return sum(1 for at in self.long.get(version, []) if at > after)

    def said(self):
        count = {version: len(times) for version, times in self.long.items()}
        return (f"short answers {self.short}, long ones {count}, {len(self.faults)} faults; "
                f"the longest that a short one waited was {self.slowest:.1f} s")
