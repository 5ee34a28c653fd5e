"""Status: says how the machine that it runs on is doing."""
import http.server
import json
import pathlib
import socket

import load

VERSION = (pathlib.Path(__file__).resolve().parent / "VERSION").read_text().strip()


class Status(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        pages = {"/version": lambda: VERSION, "/": lambda: json.dumps({"host": socket.gethostname(), **load.now()})}
        try:
            status, text = (200, pages[self.path]()) if self.path in pages else (404, "no such page")
        except Exception as error:
            status, text = 500, repr(error)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("", 8000), Status).serve_forever()
