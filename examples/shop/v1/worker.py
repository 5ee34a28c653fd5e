"""The shop's worker: ships the orders that wait, oldest first, until it is asked to stop."""
import os
import signal
import sqlite3
import threading

import store

stopping = threading.Event()


def main():
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    db = store.connect(os.environ["SHOP_DB"])
    print("worker started", flush=True)
    while not stopping.is_set():
        try:
            shipped = store.ship_one(db)
        except sqlite3.OperationalError as error:  # busy: the customers come first
            print(error, flush=True)
            shipped = None
        stopping.wait(0.02 if shipped else 0.2)
    db.close()
    print("worker stopped", flush=True)


main()
