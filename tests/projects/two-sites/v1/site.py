"""A small site of its own: pages and rows. Both sites of the machine are made from it; the environment says which one this is."""
import http.server
import os
import pathlib
import sqlite3
import urllib.parse

import pages

HERE = pathlib.Path(__file__).resolve().parent
VERSION = (HERE / "VERSION").read_text().strip()
NAME = os.environ["SITE_NAME"]


def rows(statement, *values):
    database = sqlite3.connect(os.environ["SITE_DB"], timeout=10, isolation_level=None)
    try:
        return database.execute(statement, values).fetchall()
    finally:
        database.close()


class Site(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        pages = {"/version": lambda: VERSION, "/": self.index, "/health": self.health}
        self.answer(200, pages[self.path]()) if self.path in pages else self.answer(404, "no such page")

    def index(self):
        return f"<h1>{NAME}</h1>" + "".join(pages.entry(text) for (text,) in rows(pages.NEWEST))

    def health(self):
        return f"ok {rows('SELECT count(*) FROM entries')[0][0]}"

    def do_POST(self):
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        rows("INSERT INTO entries (text) VALUES (?)", form["text"][0])
        self.answer(201, "stored")

    def answer(self, status, text):
        self.send_response(status)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["SITE_PORT"])), Site).serve_forever()
