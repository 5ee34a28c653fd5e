"""The controllers of a stand-in cluster: Deployments, StatefulSets and DaemonSets move to their template, a pod at a time.

What is faithful: revisions and their numbers, hashes of templates, conditions, progress deadlines, pods that are ending, a
StatefulSet that waits for a broken pod also after its template was taken back. What is not: scheduling, probes, surge: a pod is
ready two looks after it was made. Tags say how an image behaves: `missing` cannot be pulled, `crash` never gets ready, `sick`
answers with 500.
"""
import copy
import hashlib
import json
import time

LETTERS = "bcdfghjklmnpqrstvwxz2456789"


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def hash_of(value):
    digest = hashlib.sha256(json.dumps(value, sort_keys=True).encode()).digest()
    return "".join(LETTERS[byte % len(LETTERS)] for byte in digest[:10])


def bare(template):
    template = copy.deepcopy(template)
    template.get("metadata", {}).get("labels", {}).pop("pod-template-hash", None)
    template.get("metadata", {}).pop("creationTimestamp", None)
    template.pop("$patch", None)
    return template


def owner(thing):
    return [{"apiVersion": thing["apiVersion"], "kind": thing["kind"], "name": thing["metadata"]["name"],
             "uid": thing["metadata"]["uid"], "controller": True, "blockOwnerDeletion": True}]


def owned(thing, candidates):
    return [each for each in candidates
            if any(one["uid"] == thing["metadata"]["uid"] for one in each["metadata"].get("ownerReferences", []))]


def image_tag(pod):
    return pod["spec"]["containers"][0]["image"].rsplit(":", 1)[-1]


def is_ready(pod):
    return any(one["type"] == "Ready" and one["status"] == "True" for one in pod["status"].get("conditions", []))


def is_going(pod):
    return "deletionTimestamp" in pod["metadata"]


class Controllers:
    """One look at everything: `tick()`. The store is locked by the caller."""

    def __init__(self, store, nodes=2):
        self.store, self.nodes = store, nodes

    def tick(self):
        for pod in self.store.all("pods"):
            self.age(pod)
        for kind, move in (("deployments", self.deployment), ("statefulsets", self.stateful_set),
                           ("daemonsets", self.daemon_set)):
            for thing in self.store.all(kind):
                move(thing)

    # --- pods -------------------------------------------------------------------------------------------------------------

    def pod(self, thing, name, template, labels, node=None):
        spec = copy.deepcopy(template["spec"])
        if node:
            spec["nodeName"] = node
        meta = {"name": name, "namespace": thing["metadata"]["namespace"], "ownerReferences": owner(thing),
                "labels": {**template["metadata"].get("labels", {}), **labels}}
        settings = {}
        for container in spec["containers"]:
            for source in container.get("envFrom", []):
                for kind, field in (("configmaps", "configMapRef"), ("secrets", "secretRef")):
                    if field in source:
                        found = self.store.get(kind, meta["namespace"], source[field]["name"])
                        settings.update(found.get("data", {}) if found else {})
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec,
               "status": {"phase": "Pending", "conditions": [{"type": "Ready", "status": "False"}], "containerStatuses": []}}
        self.store.put("pods", pod)
        pod["settings"] = settings  # what it read when it started: for what answers in its name
        pod["age"] = 0

    def age(self, pod):
        pod["age"] = pod.get("age", 0) + 1
        if is_going(pod):
            if pod["age"] >= pod["gone_at"]:
                self.store.remove("pods", pod)
            return
        if is_ready(pod) or pod["age"] < 2:
            return
        tag, statuses = image_tag(pod), []
        for container in pod["spec"]["containers"]:
            image = container["image"]
            status = {"name": container["name"], "image": image, "imageID": "", "ready": False, "restartCount": 0}
            if "missing" in tag:
                status["state"] = {"waiting": {"reason": "ImagePullBackOff", "message": f'Back-off pulling image "{image}"'}}
            elif "crash" in tag:
                status["imageID"] = self.store.digest(image)
                status["state"] = {"waiting": {"reason": "CrashLoopBackOff",
                                               "message": "back-off 10s restarting failed container"}}
            else:
                status.update(imageID=self.store.digest(image), ready=True, state={"running": {"startedAt": now()}})
            statuses.append(status)
        ready = all(one["ready"] for one in statuses)
        if pod["status"]["containerStatuses"] != statuses:
            pod["status"] = {"phase": "Running" if ready else "Pending", "containerStatuses": statuses,
                             "conditions": [{"type": "Ready", "status": "True" if ready else "False"}]}
            self.store.touch("pods", pod)

    def end(self, pod):
        if not is_going(pod):
            pod["metadata"]["deletionTimestamp"] = now()
            pod["gone_at"] = pod.get("age", 0) + 2
            self.store.touch("pods", pod)

    # --- Deployments ------------------------------------------------------------------------------------------------------

    def replica_set(self, thing):
        """The one with the template, made when there is none; with the newest revision."""
        template, sets = bare(thing["spec"]["template"]), owned(thing, self.store.all("replicasets"))
        found = next((each for each in sets if bare(each["spec"]["template"]) == template), None)
        numbers = [int(each["metadata"]["annotations"]["deployment.kubernetes.io/revision"]) for each in sets]
        newest = max(numbers, default=0)
        if found is None:
            name_hash = hash_of(template)
            labeled = copy.deepcopy(thing["spec"]["template"])
            labeled.setdefault("metadata", {}).setdefault("labels", {})["pod-template-hash"] = name_hash
            found = {"apiVersion": "apps/v1", "kind": "ReplicaSet",
                     "metadata": {"name": f"{thing['metadata']['name']}-{name_hash}", "namespace": thing["metadata"]["namespace"],
                                  "labels": dict(labeled["metadata"]["labels"]), "ownerReferences": owner(thing),
                                  "annotations": {"deployment.kubernetes.io/revision": "0"}},
                     "spec": {"replicas": 0, "selector": {"matchLabels": dict(labeled["metadata"]["labels"])},
                              "template": labeled},
                     "status": {"replicas": 0}}
            self.store.put("replicasets", found)
        notes = found["metadata"]["annotations"]
        if int(notes["deployment.kubernetes.io/revision"]) < max(newest, 1):
            notes["deployment.kubernetes.io/revision"] = str(newest + 1)
        cause = thing["metadata"].setdefault("annotations", {}).get("kubernetes.io/change-cause")
        if cause:
            notes["kubernetes.io/change-cause"] = cause
        revision, seen = notes["deployment.kubernetes.io/revision"], thing["metadata"]["annotations"]
        if seen.get("deployment.kubernetes.io/revision") != revision:
            seen["deployment.kubernetes.io/revision"] = revision
            thing["progress_since"] = time.monotonic()
            thing["exceeded"] = False
            self.store.touch("deployments", thing)
        return found

    def deployment(self, thing):
        wanted, pods = thing["spec"].get("replicas", 1), []
        sets = owned(thing, self.store.all("replicasets"))
        for each in sets:
            pods += owned(each, self.store.all("pods"))
        if thing["spec"].get("paused"):
            self.report(thing, "deployments", {**thing["status"], "observedGeneration": thing["metadata"]["generation"]})
            return
        newest = self.replica_set(thing)
        label = newest["metadata"]["labels"]["pod-template-hash"]
        mine = [pod for pod in pods if pod["metadata"]["labels"]["pod-template-hash"] == label and not is_going(pod)]
        old = [pod for pod in pods if pod["metadata"]["labels"]["pod-template-hash"] != label and not is_going(pod)]
        ready = [pod for pod in mine if is_ready(pod)]
        before = thing.get("seen", 0)
        # One at a time, and an old one goes only for a new one that is ready.
        if len(mine) < wanted and len(mine) == len(ready):
            self.store.counter += 1
            self.pod(newest, f"{newest['metadata']['name']}-{self.store.counter:05d}", newest["spec"]["template"], {})
        elif len(mine) > wanted:
            self.end(mine[-1])
        unready_old = [pod for pod in old if not is_ready(pod)]
        if unready_old or (old and len(ready) + len(old) > wanted):
            self.end((unready_old or old)[0])
        if len(ready) > before:
            thing["progress_since"] = time.monotonic()
        thing["seen"] = len(ready)
        over = len(ready) == wanted and not [pod for pod in pods if pod["metadata"]["labels"]["pod-template-hash"] != label]
        waits = time.monotonic() - thing.get("progress_since", time.monotonic())
        late = waits > thing["spec"].get("progressDeadlineSeconds", 600)
        thing["exceeded"] = not over and (late or thing.get("exceeded", False))
        reason = "NewReplicaSetAvailable" if over else "ProgressDeadlineExceeded" if thing["exceeded"] else "ReplicaSetUpdated"
        available = [pod for pod in pods if is_ready(pod) and not is_going(pod)]
        self.report(thing, "deployments", {
            "observedGeneration": thing["metadata"]["generation"], "replicas": len(mine) + len(old), "updatedReplicas": len(mine),
            "readyReplicas": len(available), "availableReplicas": len(available),
            "unavailableReplicas": max(wanted - len(available), 0),
            "conditions": [
                {"type": "Available", "status": "True" if len(available) >= wanted else "False",
                 "reason": "MinimumReplicasAvailable"},
                {"type": "Progressing", "status": "False" if thing["exceeded"] else "True", "reason": reason,
                 "message": f'ReplicaSet "{newest["metadata"]["name"]}": {reason}'}]})
        self.prune(thing, sets, newest, pods)

    def prune(self, thing, sets, newest, pods):
        idle = [each for each in sets if each is not newest and not owned(each, pods)]
        idle.sort(key=lambda each: int(each["metadata"]["annotations"]["deployment.kubernetes.io/revision"]))
        for each in idle[:max(0, len(idle) - thing["spec"].get("revisionHistoryLimit", 10))]:
            self.store.remove("replicasets", each)

    # --- StatefulSets and DaemonSets --------------------------------------------------------------------------------------

    def controller_revision(self, thing, kind):
        template, found = bare(thing["spec"]["template"]), None
        revisions = owned(thing, self.store.all("controllerrevisions"))
        newest = max((each["revision"] for each in revisions), default=0)
        found = next((each for each in revisions if bare(each["data"]["spec"]["template"]) == template), None)
        if found is None:
            name_hash = hash_of(template)
            labels = dict(template["metadata"]["labels"])
            labels["controller-revision-hash" if kind == "daemonsets" else "controller.kubernetes.io/hash"] = name_hash
            found = {"apiVersion": "apps/v1", "kind": "ControllerRevision", "revision": newest + 1,
                     "metadata": {"name": f"{thing['metadata']['name']}-{name_hash}", "namespace": thing["metadata"]["namespace"],
                                  "labels": labels, "ownerReferences": owner(thing)},
                     "data": {"spec": {"template": {**copy.deepcopy(thing["spec"]["template"]), "$patch": "replace"}}}}
            self.store.put("controllerrevisions", found)
        elif found["revision"] < newest:
            found["revision"] = newest + 1
            self.store.touch("controllerrevisions", found)
        return found

    def stateful_set(self, thing):
        revision = self.controller_revision(thing, "statefulsets")
        label, wanted = revision["metadata"]["name"], thing["spec"].get("replicas", 1)
        pods = {pod["metadata"]["name"]: pod for pod in owned(thing, self.store.all("pods"))}
        name = thing["metadata"]["name"]
        for ordinal in range(wanted):  # in order: what is not ready stops everything, broken as it may be
            pod = pods.get(f"{name}-{ordinal}")
            if pod is None:
                self.pod(thing, f"{name}-{ordinal}", thing["spec"]["template"], {"controller-revision-hash": label})
                break
            if not is_ready(pod) or is_going(pod):
                break
        else:
            partition = thing["spec"].get("updateStrategy", {}).get("rollingUpdate", {}).get("partition", 0)
            for ordinal in reversed(range(partition, wanted)):
                pod = pods[f"{name}-{ordinal}"]
                if pod["metadata"]["labels"]["controller-revision-hash"] != label:
                    self.end(pod)
                    break
        for each in pods.values():
            if int(each["metadata"]["name"].rsplit("-", 1)[1]) >= wanted:
                self.end(each)
        updated = [pod for pod in pods.values()
                   if pod["metadata"]["labels"]["controller-revision-hash"] == label and not is_going(pod)]
        if len(updated) == wanted and all(is_ready(pod) for pod in updated):
            thing["current"] = label
        self.report(thing, "statefulsets", {
            "observedGeneration": thing["metadata"]["generation"], "replicas": len(pods), "updatedReplicas": len(updated),
            "readyReplicas": len([pod for pod in pods.values() if is_ready(pod)]), "updateRevision": label,
            "currentRevision": thing.get("current", label)})

    def daemon_set(self, thing):
        revision = self.controller_revision(thing, "daemonsets")
        label = revision["metadata"]["labels"]["controller-revision-hash"]
        pods = owned(thing, self.store.all("pods"))
        by_node = {pod["spec"]["nodeName"]: pod for pod in pods}
        busy = any(not is_ready(pod) or is_going(pod) for pod in pods)
        for number in range(self.nodes):
            pod = by_node.get(f"node-{number}")
            if pod is None:
                self.store.counter += 1
                self.pod(thing, f"{thing['metadata']['name']}-{self.store.counter:05d}", thing["spec"]["template"],
                         {"controller-revision-hash": label}, f"node-{number}")
                break
            if pod["metadata"]["labels"]["controller-revision-hash"] != label and (not busy or not is_ready(pod)):
                self.end(pod)
                break
        updated = [pod for pod in pods if pod["metadata"]["labels"]["controller-revision-hash"] == label and not is_going(pod)]
        available = len([pod for pod in pods if is_ready(pod) and not is_going(pod)])
        self.report(thing, "daemonsets", {
            "observedGeneration": thing["metadata"]["generation"], "desiredNumberScheduled": self.nodes,
            "currentNumberScheduled": len(pods), "updatedNumberScheduled": len(updated), "numberAvailable": available,
            "numberReady": available, "numberUnavailable": self.nodes - available, "numberMisscheduled": 0})

    def report(self, thing, kind, status):
        if thing["status"] != status:
            thing["status"] = status
            self.store.touch(kind, thing)
