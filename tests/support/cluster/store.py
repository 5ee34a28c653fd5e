"""What there is in the stand-in of a cluster: objects with versions, as a user writes them and controllers change them."""
import base64
import hashlib
import threading
import uuid

from controllers import now
from kinds import KINDS
from wire import without_empty

SHOWN = ("apiVersion", "kind", "metadata", "spec", "status", "data", "binaryData", "type", "immutable", "revision")


class Store:
    def __init__(self):
        self.things, self.version, self.counter = {}, 100, 0
        self.lock, self.registry = threading.RLock(), {}

    def all(self, kind):
        return [thing for (of, _, _), thing in sorted(self.things.items(), key=lambda pair: pair[0]) if of == kind]

    def get(self, kind, namespace, name):
        return self.things.get((kind, namespace, name))

    def put(self, kind, thing):
        meta = thing["metadata"]
        meta.setdefault("uid", str(uuid.uuid4()))
        meta.setdefault("creationTimestamp", now())
        meta.setdefault("generation", 1)
        meta["managedFields"] = changed_now()
        self.things[kind, meta["namespace"], meta["name"]] = thing
        self.touch(kind, thing)

    def touch(self, kind, thing):
        self.version += 1
        thing["metadata"]["resourceVersion"] = str(self.version)

    def remove(self, kind, thing):
        self.version += 1
        self.things.pop((kind, thing["metadata"]["namespace"], thing["metadata"]["name"]), None)

    def digest(self, image):
        name = image.split("@")[0].rsplit(":", 1)[0]
        return f"{name}@sha256:{self.registry.get(image) or hashlib.sha256(image.encode()).hexdigest()}"

    def change(self, kind, thing, new):
        """What a user wrote over what is there."""
        old_meta, meta = thing["metadata"], new.setdefault("metadata", {})
        for key in ("uid", "creationTimestamp", "namespace", "name", "generation", "managedFields"):
            meta[key] = old_meta[key]
        new = with_defaults(kind, new)
        if new.get("spec") != thing.get("spec"):
            meta["generation"] += 1
        for key in list(thing):
            if key not in SHOWN or key == "status":
                new[key] = thing[key]
        if {key: new.get(key) for key in SHOWN} != {key: thing.get(key) for key in SHOWN}:
            meta["managedFields"] = changed_now()
            self.things[kind, meta["namespace"], meta["name"]] = new
            self.touch(kind, new)
        return self.things[kind, meta["namespace"], meta["name"]]


def changed_now():
    """Who wrote what and when, as far as it is asked here: when."""
    return [{"manager": "kubectl", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1", "time": now()}]


def with_defaults(kind, thing):
    for key, value in (thing.pop("stringData", None) or {}).items():
        thing.setdefault("data", {})[key] = base64.b64encode(value.encode()).decode()
    if kind in ("deployments", "statefulsets", "daemonsets"):
        thing["spec"]["template"] = without_empty(thing["spec"]["template"])
        thing["spec"]["template"]["metadata"]["creationTimestamp"] = None
    return thing


def made(kind, thing, namespace):
    version, name = KINDS[kind]
    thing.setdefault("apiVersion", version)
    thing.setdefault("kind", name)
    thing["metadata"]["namespace"] = namespace
    if kind in ("deployments", "statefulsets", "daemonsets"):
        thing["status"] = {}
        if kind != "daemonsets":
            thing["spec"].setdefault("replicas", 1)
        strategy = "strategy" if kind == "deployments" else "updateStrategy"
        thing["spec"].setdefault(strategy, {"type": "RollingUpdate"})
    return with_defaults(kind, thing)
