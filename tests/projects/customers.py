"""Customers: they write all the time, and remember what they were told is stored."""
import threading
import time

import machine


class Customers:
    """One who writes a row every few hundredths of a second. `store(token)`: true when the site said that the row is stored."""

    def __init__(self, store, pause=0.05):
        self.store, self.pause = store, pause
        self.told, self.tried = [], 0
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.write, daemon=True)

    def begin(self):
        self.thread.start()

    def end(self):
        self.stopped.set()
        if self.thread.ident:
            self.thread.join()

    def write(self):
        while not self.stopped.wait(self.pause):
            token = f"token-{self.tried:05d}-x"
            if self.store(token):
                self.told.append(token)
            self.tried += 1

    def have_written(self, more, seconds=40):
        """Waits until so many more rows were stored."""
        goal = len(self.told) + more
        machine.wait(f"{more} more rows stored", lambda: len(self.told) >= goal, seconds)

    def have_tried(self, more):
        goal = self.tried + more
        machine.wait(f"{more} more tries", lambda: self.tried >= goal, 30)

    def rest(self):
        """Stops for a moment, for who counts; answers what they were told until now."""
        self.end()
        told = list(self.told)
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.write, daemon=True)
        return told


class Nobody(Customers):
    """A site on which nobody writes anything."""

    def __init__(self):
        super().__init__(lambda token: True, 0.02)
