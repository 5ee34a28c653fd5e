"""The shop's web server: Python's standard library and SQLite, one process, one thread a request.

    GET  /health/             200 "ok" when the database answers
    GET  /version             the release that runs, as plain text
    GET  /api/products        {"count", "products": [...]}
    POST /api/orders          {"reference", "customer", "items": [{"product", "quantity"}], "note"} -> 201 {"id", "version"}
    GET  /api/orders/ID       the order
    GET  /selftest/checkout   places test orders and takes each back; 500 when one of them cannot be placed

Settings come from the environment: SHOP_DB (database file), SHOP_PORT.
"""
import json
import os
import signal
import threading
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import store

HERE = Path(__file__).resolve().parent
VERSION = (HERE / "VERSION").read_text().strip()
DATABASE = os.environ["SHOP_DB"]
SELFTEST_ORDERS = 64


class BadOrder(Exception):
    """What the customer sent cannot be an order."""


def read_order(body):
    try:
        order = json.loads(body)
        items = [(int(item["product"]), int(item["quantity"])) for item in order["items"]]
        reference, customer, note = str(order["reference"]), str(order["customer"]), str(order.get("note", ""))
    except (ValueError, KeyError, TypeError) as error:
        raise BadOrder(f"not an order: {error}") from error
    if not items or any(quantity < 1 for _, quantity in items):
        raise BadOrder("an order needs at least one item, and at least one piece of each")
    return reference, customer, items, note


def checkout(db, reference, customer, items, note, keep=True):
    """Places one order, all or nothing. With keep=False everything is taken back again."""
    db.execute("BEGIN IMMEDIATE")
    try:
        order_id = store.place_order(db, reference, customer, items, note)
        db.execute("COMMIT" if keep else "ROLLBACK")
        return order_id
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def selftest(db):
    failed = []
    for number in range(SELFTEST_ORDERS):
        try:
            checkout(db, f"selftest-{number}", "selftest", [(1, 1)], "", keep=False)
        except Exception as error:  # any failure is what this looks for
            failed.append(f"{type(error).__name__}: {error}")
    return {"tried": SELFTEST_ORDERS, "failed": len(failed), "first": failed[0] if failed else ""}


class Handler(BaseHTTPRequestHandler):
    server_version = "shop"
    timeout = 10

    def do_GET(self):
        self.answer(self.get)

    def do_POST(self):
        self.answer(self.post)

    def answer(self, produce):
        try:
            db = store.connect(DATABASE)
            try:
                produce(db)
            finally:
                db.close()
        except BadOrder as error:
            self.send(400, {"error": str(error)})
        except Exception as error:  # a customer gets an answer, the log gets the cause
            traceback.print_exc()
            self.send(500, {"error": f"{type(error).__name__}"})

    def get(self, db):
        if self.path == "/version":
            self.send(200, VERSION, "text/plain")
        elif self.path == "/health/":
            store.products(db)
            self.send(200, "ok", "text/plain")
        elif self.path == "/api/products":
            products = store.products(db)
            self.send(200, {"count": len(products), "products": products})
        elif self.path == "/selftest/checkout":
            result = selftest(db)
            self.send(500 if result["failed"] else 200, result)
        elif self.path.startswith("/api/orders/") and self.path.rpartition("/")[2].isdigit():
            order = store.order(db, int(self.path.rpartition("/")[2]))
            self.send(200 if order else 404, order or {"error": "no such order"})
        else:
            self.send(404, {"error": "no such page"})

    def post(self, db):
        if self.path != "/api/orders":
            self.send(404, {"error": "no such page"})
            return
        order = read_order(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        self.send(201, {"id": checkout(db, *order), "version": VERSION})

    def send(self, status, body, kind="application/json"):
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments):
        """The access log is nginx's."""


class Server(ThreadingHTTPServer):
    daemon_threads = False  # stopping waits for the requests that are being answered
    request_queue_size = 128


def main():
    server = Server(("127.0.0.1", int(os.environ["SHOP_PORT"])), Handler)

    def stop(*_):
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    print(f"shop {VERSION} listens on port {server.server_port}", flush=True)
    server.serve_forever(poll_interval=0.05)
    server.server_close()
    print(f"shop {VERSION} stopped", flush=True)


main()
