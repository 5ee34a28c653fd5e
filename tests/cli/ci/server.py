"""GitHub's check runs and statuses for two commits: the one that begins with 1 passed, the one with 2 failed; others are not known."""
import http.server
import json


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *words):
        pass

    def do_GET(self):
        commit = self.path.split("/")[5]
        runs = {"1": "success", "2": "failure"}.get(commit[0])
        answer = {"total_count": 1, "check_runs": [{"name": "test", "head_sha": commit, "status": "completed", "conclusion": runs}]}
        if "/status" in self.path:
            answer = {"state": "pending", "sha": commit, "total_count": 0, "statuses": []}
        body = json.dumps(answer if runs else {"message": "Not Found"}).encode()
        self.send_response(200 if runs else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
with open("port", "w") as file:
    file.write(str(server.server_address[1]) + "\n")
server.serve_forever()
