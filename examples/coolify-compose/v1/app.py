"""Articles of a newspaper with a search index. Coolify gives it $PORT and $SOURCE_COMMIT, and a volume for $DATA."""
import http.server
import json
import os
import time
import urllib.parse

DATA = os.environ.get("DATA", "data")
INDEX = os.path.join(DATA, "index.json")
BEGAN = time.monotonic()
LASTS = None            # seconds until no connection is left; v2 leaks them
TYPES = ("post", "comment", "podcast", "course")
FORMAT = 1


def content():
    return [{"type": kind, "title": "%s number %d" % (kind, number)} for kind in TYPES for number in range(1, 4)]


def index():
    """An index of another format cannot be read: then nothing is found."""
    try:
        with open(INDEX) as file:
            found = json.load(file)
        return found["entries"] if found["format"] == FORMAT else []
    except (OSError, ValueError, KeyError):
        return []


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, status, body, kind="application/json"):
        body = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        if url.path == "/version":
            return self.answer(200, json.dumps({"commit": os.environ.get("SOURCE_COMMIT", "")}))
        if url.path == "/search":
            hits = [one for one in index() if one["type"] == query.get("type") and query.get("q", "") in one["title"]]
            return self.answer(200, json.dumps({"count": len(hits), "results": hits}))
        if url.path == "/search/built":
            return self.answer(200, str(os.stat(INDEX).st_mtime_ns) if os.path.exists(INDEX) else "never", "text/plain")
        if url.path == "/":
            if LASTS and time.monotonic() - BEGAN > LASTS:
                return self.answer(500, "no connection is left in the pool", "text/plain")
            return self.answer(200, "\n".join(one["title"] for one in content()) + "\n", "text/plain; charset=utf-8")
        return self.answer(404, "nothing here", "text/plain")

    def do_POST(self):
        if self.path != "/search/rebuild":
            return self.answer(404, "nothing here", "text/plain")
        told = "".join("indexed %d of type %s\n" % (sum(one["type"] == kind for one in content()), kind) for kind in TYPES)
        os.makedirs(DATA, exist_ok=True)
        with open(INDEX + ".new", "w") as file:
            json.dump({"format": FORMAT, "entries": content()}, file)
        os.replace(INDEX + ".new", INDEX)
        return self.answer(200, told, "text/plain")


if __name__ == "__main__":
    server = http.server.ThreadingHTTPServer((os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "8080"))), Handler)
    server.daemon_threads = True
    server.serve_forever()
