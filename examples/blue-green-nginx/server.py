"""One server of the shop: server.py RELEASE PORT. It says which release it is, at /version and in each answer's X-Version."""
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

release, port = Path(sys.argv[1]).resolve(), int(sys.argv[2])
sys.path.insert(0, str(release))
import shop  # noqa: E402


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        status, text = 200, "ok"
        if self.path == "/version":
            text = release.name
        elif self.path.startswith("/product/"):
            try:
                text = f"{shop.price(int(self.path.rsplit('/', 1)[1])):.2f}"
            except Exception as error:
                status, text = 500, f"{type(error).__name__}: {error}"
                print("500", self.path, text, flush=True)
        elif self.path != "/health":
            status, text = 404, "no such page"
        body = (text + "\n").encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Version", release.name)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


Server(("127.0.0.1", port), Handler).serve_forever()
