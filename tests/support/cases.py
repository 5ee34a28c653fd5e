"""The cases of a section: one line each as it ends, and the closing line that tools/run_tests.py reads. Thread-safe."""
import os
import signal
import threading


class Cases:
    def __init__(self):
        self.count = {"passed": 0, "FAILED": 0, "skipped": 0}
        self.one_at_a_time = threading.Lock()

    def ended(self, name, state, words=(), more=""):
        """`words`: lines, or texts of several, for who reads a failure."""
        with self.one_at_a_time:
            self.count[state] += 1
            print("\n".join([f"{state} {name}{more}", *(f"    {line}" for word in words for line in word.splitlines())]), flush=True)

    def closing(self):
        """Prints the closing line; the exit status."""
        count = self.count
        print(f"{count['passed']} passed, {count['FAILED']} failed, {count['skipped']} skipped")
        return 1 if count["FAILED"] else 0


def is_built(backout):
    """Says so when it is not. Once it is, SIGTERM is a Ctrl-C: what was started is ended."""
    if not os.access(backout, os.X_OK):
        print(f"{backout} is not there. Build it: ./dev build dev")
        return False
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    return True
