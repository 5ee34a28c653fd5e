#!/usr/bin/env python3
"""A stand-in for Coolify, for tests: the part of its API (v4) that a rollback asks, after its published OpenAPI description
and the behaviour of 4.3: statuses, queue, "already queued", permissions, webhooks, and everything that can go wrong with it.

    coolify.py [--port N] [--app-port N] [--git REPOSITORY --run COMMAND --work DIRECTORY]

Prints "PORT APP_PORT". Without --git the application is served here: GET / on the application's port answers the commit. With
it each deployment is a real one: the commit's files are put into a directory of their own, the old process is ended, and COMMAND
is run there by sh with $PORT and $SOURCE_COMMIT.

What Coolify has not, for tests: GET and POST /_control (see Control below). Tokens: "all" may everything, "read" and "write"
only that, every other one is not known.
"""
import argparse
import http.server
import json
import os
import signal
import subprocess
import threading
import time
import urllib.parse

APPLICATION = "vgsco4o"
ABILITIES = {"all": {"read", "write", "deploy"}, "read": {"read"}, "write": {"read", "write"}, "deploy": {"read", "deploy"}}
PATCHABLE = {"git_branch", "git_commit_sha", "is_auto_deploy_enabled", "name", "description", "git_repository"}
OPEN = ("queued", "in_progress")


class World:
    """The state of the instance. Every access holds the lock."""

    def __init__(self, options):
        self.lock = threading.RLock()
        self.options = options
        self.process = None
        self.born = 0
        self.reset({})
        threading.Thread(target=self.work, daemon=True).start()

    def reset(self, wanted):
        self.branches = dict({"main": "2" * 40}, **wanted.get("branches", {}))
        self.application = {"uuid": APPLICATION, "name": "shop", "git_branch": "main", "git_commit_sha": "HEAD",
                            "git_repository": "git@example.com:shop.git", "build_pack": wanted.get("build_pack", "dockercompose"),
                            "status": "running:healthy"}
        self.settings = {"is_auto_deploy_enabled": wanted.get("auto_deploy", True), "is_static": False}
        self.tells_settings = wanted.get("tells_settings", True)
        self.has_rollback_images = wanted.get("has_rollback_images", True)
        self.images = list(wanted.get("images", []))
        self.deployments = []
        self.running = ""
        self.build = wanted.get("build", 0.1)
        self.faults = {}
        self.requests = []
        for commit in wanted.get("history", ["1" * 40, "2" * 40]):
            self.add(commit, status="finished", is_webhook=True)
            self.running = commit
        if self.options.git and wanted.get("start", True) and self.running:
            self.switch(self.running)

    def add(self, commit, status="queued", **more):
        self.born += 1
        number = len(self.deployments) + 1
        now = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime())
        self.deployments.append(dict({
            "id": number, "application_id": "1", "application_name": "shop", "deployment_uuid": "d%05dx%d" % (self.born, number),
            "pull_request_id": 0, "force_rebuild": False, "commit": commit, "status": status, "is_webhook": False,
            "is_api": False, "rollback": False, "restart_only": False, "server_id": 0, "server_name": "localhost",
            "commit_message": None, "created_at": now, "updated_at": now, "logs": "[]"}, **more))
        return self.deployments[-1]

    def queue(self, commit, **more):
        """(uuid that is answered, message): as queue_application_deployment() and deploy_resource() of Coolify do it."""
        commit = commit or self.application["git_commit_sha"] or "HEAD"
        for each in self.deployments:
            ours = each["commit"] == commit and each["pull_request_id"] == 0
            if ours and each["status"] in OPEN and not more.get("force_rebuild"):
                self.born += 1
                return "never%d" % self.born, "Deployment already queued for this commit."  # an id that nobody knows, as there
        return self.add(commit, **more)["deployment_uuid"], "Application shop deployment queued."

    def push(self, branch, commit):
        self.branches[branch] = commit
        if branch == self.application["git_branch"] and self.settings["is_auto_deploy_enabled"]:
            self.queue(commit, is_webhook=True)

    def work(self):
        while True:
            time.sleep(0.01)
            with self.lock:
                if any(each["status"] == "in_progress" for each in self.deployments):
                    continue
                waiting = [each for each in self.deployments if each["status"] == "queued"]
                if not waiting:
                    continue
                deployment = waiting[0]
                deployment["status"] = "in_progress"
                build, faults = self.build, self.faults
            end = time.monotonic() + build
            while (time.monotonic() < end or faults.get("hang")) and deployment["status"] == "in_progress":
                time.sleep(0.01)
            with self.lock:
                if deployment["status"] != "in_progress":  # cancelled
                    continue
                if deployment["commit"] == "HEAD":
                    deployment["commit"] = self.branches.get(self.application["git_branch"], "0" * 40)
                if faults.get("cancelled"):
                    deployment["status"] = "cancelled-by-user"
                    continue
                if faults.get("fail"):
                    deployment["status"] = "failed"
                    continue
                if not faults.get("liar"):  # else: finished, and the old container still runs
                    if self.options.git and not self.switch(deployment["commit"]):
                        deployment["status"] = "failed"
                        continue
                    self.running = deployment["commit"]
                    self.images.append(deployment["commit"])
                deployment["status"] = "finished"
                if faults.get("exited"):
                    self.application["status"] = "exited:unhealthy"
                if faults.get("overtaken"):  # a push in between
                    faults.pop("overtaken")
                    self.push("main", "2" * 40)

    def switch(self, commit):
        """The commit's process in place of the one that runs."""
        place = os.path.join(self.options.work, commit)
        os.makedirs(place, exist_ok=True)
        unpack = "git -C '%s' archive %s | tar -x -C '%s'" % (self.options.git, commit, place)
        if subprocess.run(["sh", "-c", unpack], stderr=subprocess.DEVNULL, check=False).returncode != 0:
            return False
        self.stop()
        log = open(os.path.join(self.options.work, "app.log"), "ab")
        self.process = subprocess.Popen(["sh", "-c", "exec " + self.options.run], cwd=place, stdout=log, stderr=log,
                                        env=dict(os.environ, PORT=str(self.options.app_port), SOURCE_COMMIT=commit))
        log.close()
        return True

    def stop(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()
            self.process = None


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    world = None

    def log_message(self, *_):
        pass

    def reply(self, status, body, **headers):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def do_GET(self):
        self.answer("GET")

    def do_POST(self):
        self.answer("POST")

    def do_PATCH(self):
        self.answer("PATCH")

    def answer(self, method):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        body = self.body()
        with self.world.lock:
            if url.path == "/_control":
                return self.control(method, body)
            self.world.requests.append([method, self.path, body.decode(errors="replace")])
            if not url.path.startswith("/api/v1/"):
                return self.reply(404, b"<html>Not found</html>")
            faults = self.world.faults
            parts = url.path.split("/")[3:]
            if faults.get("status") and (method != "GET" or not faults.get("writes_only")):
                faults["times"] = faults.get("times", 1 << 30) - 1
                if faults["times"] <= 0:
                    status = faults.pop("status")
                else:
                    status = faults["status"]
                return self.reply(status, b"<html>Server Error</html>")
            return self.api(method, parts, query, body)

    def api(self, method, parts, query, body):
        token = self.headers.get("Authorization", "")[len("Bearer "):]
        if token not in ABILITIES:
            return self.reply(401, {"message": "Unauthenticated."})
        if self.world.faults.get("disabled"):
            return self.reply(403, {"success": True, "message": "API is disabled."})
        needed = "read"
        if method == "PATCH":
            needed = "write"
        elif parts[0] == "deploy" or parts[-1] == "cancel":
            needed = "deploy"
        if needed not in ABILITIES[token]:
            return self.reply(403, {"message": "Missing required permissions: " + needed})
        if parts[0] == "applications" and len(parts) >= 2:
            if parts[1] != APPLICATION:
                return self.reply(404, {"message": "Application not found."})
            if len(parts) == 2:
                return self.application(method, body)
            if parts[2] == "rollback-images" and self.world.has_rollback_images:
                current = self.world.running if self.world.faults.get("names_container") else None
                images = [{"tag": tag, "is_current": False} for tag in self.world.images]
                return self.reply(200, {"current": current, "images": images})
        if parts[0] == "deploy":
            return self.deploy(method, query)
        if parts[0] == "deployments" and len(parts) >= 2:
            return self.deployment(method, parts[1:], query)
        return self.reply(404, {"message": "Not found.", "docs": "https://coolify.io/docs"})

    def application(self, method, body):
        world = self.world
        if method == "GET":
            answer = dict(world.application)
            if world.tells_settings:
                answer["settings"] = world.settings
            return self.reply(200, answer)
        if self.headers.get("Content-Type") != "application/json":
            return self.reply(400, {"message": "Invalid request.", "error": "Content-Type must be application/json."})
        try:
            fields = json.loads(body)
        except ValueError:
            return self.reply(400, {"message": "Invalid request.", "error": "Invalid JSON."})
        if not fields:
            return self.reply(400, {"message": "Invalid request.", "error": "Empty JSON."})
        extra = {name: ["This field is not allowed."] for name in fields if name not in PATCHABLE}
        if extra:
            return self.reply(422, {"message": "Validation failed.", "errors": extra})
        if world.faults.get("deaf"):  # takes what it is told about the repository, and does nothing
            fields = {name: value for name, value in fields.items() if not name.startswith("git_")}
        for name, value in fields.items():
            (world.settings if name == "is_auto_deploy_enabled" else world.application)[name] = value
        return self.reply(200, {"uuid": APPLICATION})

    def deploy(self, method, query):
        if method != "POST":
            return self.reply(405, {"message": "This endpoint has changed to a POST request."}, Allow="POST")
        if not query.get("uuid"):
            return self.reply(400, {"message": "You must provide uuid or tag."})
        if query["uuid"] != APPLICATION:
            return self.reply(404, {"message": "No resources found."})
        if self.world.faults.get("full", 0) > 0:
            self.world.faults["full"] -= 1
            return self.reply(429, {"message": "Deployment queue is full. Please wait for existing deployments to complete."},
                              Retry_After="1")
        uuid, message = self.world.queue("", is_api=True, force_rebuild=query.get("force") in ("1", "true"))
        return self.reply(200, {"deployments": [{"message": message, "resource_uuid": APPLICATION, "deployment_uuid": uuid}]})

    def deployment(self, method, parts, query):
        if parts[0] == "applications":
            if parts[1:] != [APPLICATION]:
                return self.reply(404, {"message": "Application not found"})
            newest = self.world.deployments[::-1]
            skip, take = int(query.get("skip", 0)), int(query.get("take", 10))
            hidden = [{k: v for k, v in each.items() if k != "logs"} for each in newest[skip:skip + take]]
            return self.reply(200, {"count": len(newest), "deployments": hidden})
        found = [each for each in self.world.deployments if each["deployment_uuid"] == parts[0]]
        if not found:
            return self.reply(404, {"message": "Deployment not found."})
        if parts[1:] == ["cancel"] and method == "POST":
            if found[0]["status"] not in OPEN:
                return self.reply(400, {"message": "Deployment cannot be cancelled. Current status: " + found[0]["status"]})
            found[0]["status"] = "cancelled-by-user"
            return self.reply(200, {"message": "Deployment cancelled successfully.", "deployment_uuid": parts[0],
                                    "status": "cancelled-by-user"})
        return self.reply(200, {k: v for k, v in found[0].items() if k != "logs"})

    def control(self, method, body):
        """{"reset": {...}} everything anew; {"faults": {...}} from now on; {"push": [branch, commit]} somebody pushes;
        {"set": {...}} somebody changes the application; {"deploy": true} somebody presses Deploy. GET: what is there."""
        world = self.world
        if method == "POST":
            wanted = json.loads(body)
            if "reset" in wanted:
                for each in world.deployments:
                    if each["status"] in OPEN:
                        each["status"] = "failed"
                world.reset(wanted["reset"])
            world.faults.update(wanted.get("faults", {}))
            if "push" in wanted:
                world.push(*wanted["push"])
            for name, value in wanted.get("set", {}).items():
                (world.settings if name == "is_auto_deploy_enabled" else world.application)[name] = value
            if wanted.get("deploy"):
                world.queue("")
            if wanted.get("stop"):
                world.stop()
        self.reply(200, {"application": world.application, "settings": world.settings, "running": world.running,
                         "deployments": world.deployments, "requests": world.requests})


class Served(http.server.BaseHTTPRequestHandler):
    """The application: its whole answer is the commit that runs."""

    def log_message(self, *_):
        pass

    def do_GET(self):
        body = Handler.world.running.encode()
        self.send_response(200 if body else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--port", type=int, default=0)
    arguments.add_argument("--app-port", type=int, default=0)
    arguments.add_argument("--git")
    arguments.add_argument("--run")
    arguments.add_argument("--work")
    arguments.add_argument("--reset", default="{}", help="as of /_control, for the beginning")
    options = arguments.parse_args()
    api = http.server.ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    api.daemon_threads = True
    if not options.git:
        served = http.server.ThreadingHTTPServer(("127.0.0.1", options.app_port), Served)
        served.daemon_threads = True
        options.app_port = served.server_address[1]
        threading.Thread(target=served.serve_forever, daemon=True).start()
    first, options.git = options.git, None
    world = World(options)
    Handler.world = world
    options.git = first
    world.reset(json.loads(options.reset))
    signal.signal(signal.SIGTERM, lambda *_: (world.stop(), os._exit(0)))
    print(api.server_address[1], options.app_port, flush=True)
    api.serve_forever()


if __name__ == "__main__":
    main()
