"""The fixture's service: says which release it is, counts itself for Prometheus, and fails as often as the file FAULT beside it
says ("0.1"), which may change while it runs. Slow by SLOW seconds, likewise."""
import os
import random
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

VERSION = open("VERSION", encoding="utf-8").read().strip()
dice = random.Random(7)
lock = threading.Lock()
counts = {}


def number(name):
    try:
        return float(open(name, encoding="utf-8").read())
    except (OSError, ValueError):
        return 0.0


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/version":
            self.answer(200, VERSION)
        elif self.path == "/metrics":
            with lock:
                lines = [f'http_requests_total{{code="{code}",version="{VERSION}"}} {count}' for code, count in counts.items()]
            self.answer(200, "\n".join(["# TYPE http_requests_total counter", *lines]) + "\n")
        else:
            time.sleep(number("SLOW"))
            with lock:
                code = 500 if dice.random() < number("FAULT") else 200
                counts[code] = counts.get(code, 0) + 1
            self.answer(code, "fine" if code == 200 else "broken")

    def answer(self, code, text):
        body = text.encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


Server(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
