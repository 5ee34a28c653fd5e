#!/usr/bin/python3
"""A stand-in for the API server of a Kubernetes cluster, for a real kubectl: what a rollback of workloads needs, and faults.

    api.py [PORT] [TICK]      prints its port; TICK: seconds between two looks of its controllers

No cluster runs here: pods are entries that get ready by themselves (controllers.py). What it says was taken from transcripts of
a real one. Beside the API:

    GET  /service/NAMESPACE/APP/PATH   what one of the app's ready pods would answer: /version, /order, /settings
    GET  /mesh/PATH                    what a subset answers, by the weights of the VirtualService
    POST /stand-in/mesh                {SUBSET: URL}: where they are
    POST /stand-in/sick                [IMAGE]: their pods get ready, and take no orders
    POST /stand-in/fault               {"mode": "500"|"conflict"|"drop"|"hang"|"", "method": "PATCH", "path": RE,
                                       "after": N, "times": N}; with "then": MODE, after the first everything fails so
    POST /stand-in/reset               nothing is there any more
    POST /stand-in/apply               an object, as `kubectl apply` would
    POST /stand-in/registry            {IMAGE: DIGEST}: what a tag means from now on
    GET  /stand-in/requests            [METHOD PATH], oldest first
    GET  /stand-in/kubeconfig          with the contexts admin, reader (may look), nobody (may nothing) and away
"""
import copy
import json
import re
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
from controllers import Controllers, is_going, is_ready  # noqa: E402
from kinds import KINDS, discovery  # noqa: E402
from store import SHOWN, Store, made  # noqa: E402
from wire import Refused, access_review, json_patched, merged  # noqa: E402

PATH = re.compile(r"^/(?:api|apis/(?P<group>[^/]+))/(?P<version>v[^/]+)(?:/namespaces/(?P<ns>[^/]+))?/(?P<kind>[a-z]+)"
                  r"(?:/(?P<name>[^/]+))?$")


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port, tick):
        super().__init__(("127.0.0.1", port), Handler)
        self.store, self.fault, self.requests = Store(), {}, []
        self.round, self.sick, self.subsets = 0, [], {}
        threading.Thread(target=self.live, args=(tick,), daemon=True).start()

    def live(self, tick):
        controllers = Controllers(self.store)
        while True:
            with self.store.lock:
                controllers.tick()
            time.sleep(tick)

    def handle_error(self, request, client_address):
        pass  # a client that was killed


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    who = "admin"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.answer()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if match := re.match(r"/as/([^/]+)(/.*)", self.path):
            self.who, self.path = match[1], match[2]
        store, path = self.server.store, urlsplit(self.path).path
        try:
            if path.startswith("/stand-in/"):
                return self.stand_in(path, body)
            if path.startswith("/service/"):
                return self.serve(path)
            if path.startswith("/mesh/"):
                return self.mesh(path)
            self.server.requests.append(f"{self.command} {path}")
            if self.faulty(path):
                return None
            if parse_qs(urlsplit(self.path).query).get("watch", [""])[0] in ("true", "1"):
                return self.watch(path)
            with store.lock:
                code, value = self.api(path, self.read(body))
                text = json.dumps(value).encode()
            return self.send(code, text)
        except Refused as refused:
            return self.send(refused.code, json.dumps({
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": refused.message,
                "reason": refused.reason, "details": {}, "code": refused.code}).encode())

    @staticmethod
    def read(body):
        if body[:4] == b"k8s\0":
            return access_review(body)
        return json.loads(body) if body[:1] in (b"{", b"[") else None

    def send(self, code, text, kind="application/json"):
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def faulty(self, path):
        fault = self.server.fault
        meant = re.search(fault.get("path", ""), path) and fault.get("method", self.command) == self.command
        if not fault.get("mode") or not meant:
            return False
        if fault.get("after", 0) > 0:
            fault["after"] -= 1
            return False
        if fault.get("times", -1) == 0:
            return False
        fault["times"] = fault.get("times", -1) - 1
        if "then" in fault:
            self.server.fault = {"mode": fault["then"]}
        if fault["mode"] == "hang":
            time.sleep(30)
        if fault["mode"] == "conflict":
            raise Refused(422, "Invalid", "the server rejected our request due to an error in our request")
        if fault["mode"] == "500":
            raise Refused(500, "InternalError", "Internal error occurred: etcdserver: no leader")
        self.close_connection = True
        self.connection.close()
        return True

    def stand_in(self, path, body):
        if path == "/stand-in/mesh":
            self.server.subsets = json.loads(body)
        elif path == "/stand-in/sick":
            self.server.sick = json.loads(body)
        elif path == "/stand-in/fault":
            self.server.fault = json.loads(body)
        elif path == "/stand-in/reset":
            with self.server.store.lock:
                self.server.store.things.clear()
                self.server.store.registry.clear()
                self.server.fault = {}
        elif path == "/stand-in/apply":
            with self.server.store.lock:
                self.apply(json.loads(body))
        elif path == "/stand-in/registry":
            self.server.store.registry.update(json.loads(body))
        elif path == "/stand-in/requests":
            return self.send(200, json.dumps(self.server.requests).encode())
        elif path == "/stand-in/kubeconfig":
            return self.send(200, json.dumps(self.kubeconfig()).encode())
        return self.send(200, b"{}")

    def apply(self, thing):
        store, meta = self.server.store, thing["metadata"]
        kind = next(kind for kind, (_, of) in KINDS.items() if of == thing["kind"])
        if old := store.get(kind, meta["namespace"], meta["name"]):
            store.change(kind, old, merged(self.shown(old), thing))
        else:
            store.put(kind, made(kind, thing, meta["namespace"]))

    def kubeconfig(self):
        """A token is not sent over plain HTTP, so the user is part of the server's address."""
        names, root = ("admin", "reader", "nobody"), f"http://127.0.0.1:{self.server.server_address[1]}"
        return {"apiVersion": "v1", "kind": "Config", "current-context": "admin", "users": [{"name": "anybody", "user": {}}],
                "clusters": [{"name": name, "cluster": {"server": f"{root}/as/{name}"}} for name in names] +
                            [{"name": "away", "cluster": {"server": "http://127.0.0.1:1"}}],
                "contexts": [{"name": name, "context": {"cluster": name, "user": "anybody"}} for name in (*names, "away")]}

    def mesh(self, path):
        """As the proxies of a mesh do: a request to one subset of the only VirtualService, by the weights."""
        with self.server.store.lock:
            route = self.server.store.all("virtualservices")[0]["spec"]["http"][0]["route"]
            self.server.round += 1
            weights = [each.get("weight", 100 if len(route) == 1 else 0) for each in route]
            at = self.server.round * 37 % max(sum(weights), 1)  # they are shares, whatever they come to
        for each, weight in zip(route, weights):
            if at < weight:
                where = self.server.subsets.get(each["destination"]["subset"])
                if where is None:
                    return self.send(503, b"no healthy upstream", "text/plain")
                url = where + path.removeprefix("/mesh")
                with urllib.request.urlopen(url, timeout=5) as reply:
                    return self.send(200, reply.read(), "text/plain")
            at -= weight
        return self.send(503, b"no destination", "text/plain")

    def serve(self, path):
        """As a Service does: one ready pod after the other."""
        _, _, namespace, app, what = path.split("/", 4)
        with self.server.store.lock:
            pods = [pod for pod in self.server.store.all("pods")
                    if pod["metadata"]["namespace"] == namespace and pod["metadata"]["labels"].get("app") == app and is_ready(pod)
                    and not is_going(pod)]
            if not pods:
                return self.send(503, b"no endpoints available", "text/plain")
            self.server.round += 1
            pod = pods[self.server.round % len(pods)]
            tag = pod["spec"]["containers"][0]["image"].split("@")[0].rsplit(":", 1)[-1]
            if what == "version":
                return self.send(200, tag.split("-")[0].encode(), "text/plain")
            if what == "settings":
                return self.send(200, json.dumps(pod.get("settings", {})).encode())
            if "sick" in tag or pod["spec"]["containers"][0]["image"] in self.server.sick:
                return self.send(500, b"no orders today", "text/plain")
            return self.send(200, f"{pod.get('settings', {}).get('GREETING', 'hello')}, ordered".encode(), "text/plain")

    # --- the API ----------------------------------------------------------------------------------------------------------

    def api(self, path, body):
        if path in ("/api", "/apis") or re.fullmatch(r"/api/v1|/apis/[^/]+/[^/]+|/apis/[^/]+", path):
            return 200, discovery(path)
        if path == "/version":
            return 200, {"major": "1", "minor": "32", "gitVersion": "v1.32.0-stand-in"}
        if match := re.fullmatch(r"/api/v1/namespaces/([^/]+)", path):  # kubectl asks when something in it was not found
            return 200, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": match[1]}}
        match = PATH.match(path)
        if not match or match["kind"] not in KINDS:
            raise Refused(404, "NotFound", "the server could not find the requested resource")
        kind, namespace, name = match["kind"], match["ns"], match["name"]
        if kind == "selfsubjectaccessreviews":
            asked = body["spec"]["resourceAttributes"]
            body["status"] = {"allowed": self.may(asked["verb"], asked["resource"])}
            return 201, body
        group = match["group"] or ""
        verb = {"GET": "get" if name else "list", "POST": "create", "PUT": "update", "PATCH": "patch",
                "DELETE": "delete"}[self.command]
        full = f"{kind}.{group}" if group else kind
        if not self.may(verb, kind):
            what = f'{full} "{name}" is forbidden' if name else f"{full} is forbidden"
            raise Refused(403, "Forbidden", f'{what}: User "{self.who}" cannot {verb} resource "{kind}" in API group "{group}" '
                                            f'in the namespace "{namespace}"')
        return self.do(kind, full, namespace, name, body)

    def do(self, kind, full, namespace, name, body):
        store = self.server.store
        if self.command == "POST":
            name = body["metadata"]["name"]
            if store.get(kind, namespace, name):
                raise Refused(409, "AlreadyExists", f'{full} "{name}" already exists')
            store.put(kind, made(kind, body, namespace))
            return 201, self.shown(store.get(kind, namespace, name))
        if name is None:
            return 200, self.listed(kind, namespace)
        thing = store.get(kind, namespace, name)
        if thing is None:
            raise Refused(404, "NotFound", f'{full} "{name}" not found')
        if self.command == "DELETE":
            if kind == "pods":
                Controllers(store).end(thing)
            else:
                store.remove(kind, thing)
            return 200, self.shown(thing)
        if self.command in ("PUT", "PATCH"):
            patch_kind = self.headers.get("Content-Type", "")
            new = body
            if self.command == "PATCH":
                new = json_patched(self.shown(thing), body) if "json-patch" in patch_kind else merged(self.shown(thing), body)
            given = new.get("metadata", {}).get("resourceVersion")
            if given and given != thing["metadata"]["resourceVersion"]:
                raise Refused(409, "Conflict", f'Operation cannot be fulfilled on {full} "{name}": the object has been modified; '
                                               "please apply your changes to the latest version and try again")
            if thing.get("immutable") and new.get("data") != thing.get("data"):
                raise Refused(422, "Invalid", f'{KINDS[kind][1]} "{name}" is invalid: data: Forbidden: field is immutable when '
                                              "`immutable` is set")
            thing = store.change(kind, thing, copy.deepcopy(new))
        return 200, self.shown(thing)

    def may(self, verb, kind):
        """The user `nobody` may nothing, and `reader` may look."""
        return self.who != "nobody" and (self.who != "reader" or verb in ("get", "list", "watch"))

    @staticmethod
    def shown(thing):
        return {key: copy.deepcopy(value) for key, value in thing.items() if key in SHOWN}

    def listed(self, kind, namespace):
        query = parse_qs(urlsplit(self.path).query)
        selector, field = query.get("labelSelector", [""])[0], query.get("fieldSelector", [""])[0]
        wanted = dict(part.split("=", 1) for part in selector.replace("==", "=").split(",") if "=" in part)
        name = field.removeprefix("metadata.name=") if field.startswith("metadata.name=") else ""
        items = [self.shown(each) for each in self.server.store.all(kind)
                 if namespace in (None, each["metadata"]["namespace"]) and name in ("", each["metadata"]["name"])
                 and all(each["metadata"].get("labels", {}).get(key) == value for key, value in wanted.items())]
        version, of = KINDS[kind]
        return {"apiVersion": version, "kind": f"{of}List", "items": items,
                "metadata": {"resourceVersion": str(self.server.store.version)}}

    def watch(self, path):
        """What `kubectl rollout status` asks for: each new state of what is listed, until nobody listens."""
        kind, namespace = PATH.match(path)["kind"], PATH.match(path)["ns"]
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.close_connection = True
        seen, end = {}, time.monotonic() + 60
        while time.monotonic() < end:
            with self.server.store.lock:
                items = self.listed(kind, namespace)["items"]
            for item in items:
                name, version = item["metadata"]["name"], item["metadata"]["resourceVersion"]
                if seen.get(name) != version:
                    event = {"type": "MODIFIED" if name in seen else "ADDED", "object": item}
                    seen[name] = version
                    try:
                        self.wfile.write(json.dumps(event).encode() + b"\n")
                        self.wfile.flush()
                    except OSError:
                        return
            time.sleep(0.05)


def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    server = Server(port, float(sys.argv[2]) if len(sys.argv) > 2 else 0.05)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
