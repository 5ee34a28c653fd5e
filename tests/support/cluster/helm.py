#!/usr/bin/python3
"""A stand-in for helm, on the stand-in of a cluster: history, rollback, and an upgrade for tests. Its words are those of helm 3.

    helm.py upgrade NAME APP_VERSION OBJECTS.json | history NAME --output=json | rollback NAME REVISION [--wait]
        [--namespace=NS] [--kubeconfig=FILE] [--kube-context=CONTEXT] [--max=N] [--timeout=TIME]

Its releases lie beside the kubeconfig, in helm.json. As with the real one, a rollback is a revision of its own, which is
`pending-rollback` until its end, and for ever when it is killed. An upgrade is refused then; another rollback is the way out, and is not.
"""
import json
import os
import sys
import time
import urllib.request
from pathlib import Path


def fail(words):
    sys.exit(f"Error: {words}")


class Helm:
    def __init__(self, options):
        kubeconfig = Path(options.get("kubeconfig") or os.environ["KUBECONFIG"])
        self.file = kubeconfig.with_name("helm.json")
        self.releases = json.loads(self.file.read_text()) if self.file.exists() else {}
        self.root = json.loads(kubeconfig.read_text())["clusters"][0]["cluster"]["server"].split("/as/")[0]
        self.namespace = options.get("namespace", "default")

    def store(self):
        self.file.with_suffix(".tmp").write_text(json.dumps(self.releases))
        self.file.with_suffix(".tmp").rename(self.file)

    def ask(self, path, value=None):
        try:
            body = None if value is None else json.dumps(value).encode()
            with urllib.request.urlopen(self.root + path, body, timeout=5) as reply:
                return json.load(reply)
        except OSError as error:
            return fail(f'Kubernetes cluster unreachable: Get "{self.root}/version": {error}')

    def history(self, name):
        if name not in self.releases:
            fail("release: not found")
        return self.releases[name]

    def make(self, name, app_version, objects, description, kind):
        history = self.releases.setdefault(name, [])
        self.ask("/api")
        if kind == "upgrade" and history and history[-1]["status"].startswith("pending"):
            fail("another operation (install/upgrade/rollback) is in progress")
        history.append({"revision": len(history) + 1, "updated": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                        "status": f"pending-{kind}", "chart": f"{name}-1.0.{len(history)}", "app_version": app_version,
                        "description": description, "objects": objects})
        self.store()
        for each in objects:
            self.ask("/stand-in/apply", each)
        self.wait(objects)
        for each in history[:-1]:
            if each["status"] == "deployed":
                each["status"] = "superseded"
        history[-1]["status"] = "deployed"
        self.store()

    def wait(self, objects):
        for each in objects:
            if each["kind"] != "Deployment":
                continue
            for _ in range(200):
                found = self.ask(f"/apis/apps/v1/namespaces/{self.namespace}/deployments/{each['metadata']['name']}")
                status = found.get("status", {})
                if any(one["reason"] == "NewReplicaSetAvailable" for one in status.get("conditions", [])):
                    break
                time.sleep(0.05)


def main():
    options = dict(word[2:].split("=", 1) if "=" in word else (word[2:], "") for word in sys.argv[1:] if word.startswith("--"))
    verb, name, *rest = [word for word in sys.argv[1:] if not word.startswith("--")]
    helm = Helm(options)
    if verb == "upgrade":
        helm.make(name, rest[0], json.loads(Path(rest[1]).read_text()), "Upgrade complete", "upgrade")
    elif verb == "history":
        shown = [{key: value for key, value in each.items() if key != "objects"} for each in helm.history(name)]
        print(json.dumps(shown))
    elif verb == "rollback":
        found = [each for each in helm.history(name) if each["revision"] == int(rest[0])]
        if not found:
            fail(f"release has no {rest[0]} version")
        helm.make(name, found[0]["app_version"], found[0]["objects"], f"Rollback to {rest[0]}", "rollback")
        print("Rollback was a success! Happy Helming!")


if __name__ == "__main__":
    main()
