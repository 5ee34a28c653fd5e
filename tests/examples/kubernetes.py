"""kubernetes: v2 is rolled out and takes no orders; v1 comes back. Then the API server is lost midway, a Deployment is paused,
and the rollback is killed.

A real kubectl talks to a stand-in of an API server (tests/support/cluster): no container runs.
"""
import json
import subprocess

from place import ROOT, expect

NEEDS = ("kubectl",)
PORT = 18210


class Cluster:
    def __init__(self, place):
        self.place, self.root = place, f"http://127.0.0.1:{PORT}"
        place.start(["/usr/bin/python3", ROOT / "tests" / "support" / "cluster" / "api.py", PORT, "0.02"])
        place.wait("the stand-in answers", lambda: place.get(f"{self.root}/api")[0] == 200)
        (place.directory / "kubeconfig").write_text(place.get(f"{self.root}/stand-in/kubeconfig")[1])
        place.environment |= {"KUBECONFIG": str(place.directory / "kubeconfig"), "HOME": str(place.directory),
                              "KUBECTL_APPLY": "--validate=false"}
        self.say("sick", ["example.test/shop/web:v2", "example.test/shop/web:v3", "example.test/shop/web:v4"])

    def say(self, what, value):
        status, _ = self.place.get(f"{self.root}/stand-in/{what}", data=json.dumps(value))
        expect(status == 200, f"the stand-in did not take {what}")

    def images(self):
        pods = json.loads(self.place.sh("kubectl -n shop get pods -o json", quiet=True))["items"]
        return {status["imageID"].split("@")[0] + ":" + status["image"].rsplit(":", 1)[1]
                for pod in pods for status in pod["status"]["containerStatuses"]}

    def orders(self):
        return self.place.get(f"{self.root}/service/shop/web/order")


V1 = {"example.test/shop/web:v1", "example.test/shop/queue:v1"}


def run(place):
    cluster = Cluster(place)
    place.copy({"/srv/shop": place.site, "18210": PORT, "wait: 1m": "wait: 4s"})
    place.sh("./deploy.sh v1")
    expect(cluster.orders() == (200, "hello, ordered"), f"v1 takes no orders: {cluster.orders()}")
    place.backout("lint")
    place.backout("record", "v1")
    place.backout("good", "v1")
    place.backout("deploy", "--version", "v2", "--", "./deploy.sh", "v2", "goodbye", ends=(5,))
    expect(cluster.orders()[0] == 500, "the bad release takes orders")
    place.backout("ready")
    kubeconfig = json.loads((place.directory / "kubeconfig").read_text())
    (place.directory / "reader").write_text(json.dumps({**kubeconfig, "current-context": "reader"}))
    said = place.backout("ready", ends=(3,), env={**place.environment, "KUBECONFIG": str(place.directory / "reader")})
    expect("may not patch deployments.apps/web" in said, "ready does not name the right that is missing")
    place.backout("decide", "--no-questions", ends=(0, 3))
    plan = place.backout("plan")
    expect("example.test/shop/web:v1" in plan and "example.test/shop/queue:v1" in plan, "the plan does not name the images")
    other_cluster(place, plan)
    place.rolls_back(reason="v2 takes no orders")
    is_v1(cluster)
    key = json.loads(place.sh("kubectl -n shop get secret web-keys -o json", quiet=True))
    expect("a2V5LW9mLXYx" in json.dumps(key["data"]), "the Secret is not that of v1")
    place.backout("verify")
    report = place.backout("report")
    expect("v2 -> v1" in report and "v2 takes no orders" in report, "the report does not tell it")
    for path in (place.directory / "state").rglob("journal.db*"):
        expect(b"a2V5LW9mLXYx" not in path.read_bytes() and b"key-of-v1" not in path.read_bytes(), "a secret is in the journal")
    return [*other_release(place, cluster), *lost_midway(place, cluster), *paused(place, cluster)]


def is_v1(cluster):
    expect(cluster.orders() == (200, "hello, ordered"), f"v1 does not take orders: {cluster.orders()}")
    expect(cluster.images() == V1, f"the pods run {cluster.images()}")


def other_cluster(place, plan):
    """Somebody chooses another context between plan and run."""
    place.sh("kubectl config use-context reader")
    said = place.backout("rollback", "--yes", "--plan", plan.split("Plan ", 1)[1].split()[0], "--reason", "v2", ends=(3,))
    expect("stale" in said and "reader" in said, "the plan is not stale in another cluster")
    place.sh("kubectl config use-context admin")


def other_release(place, cluster):
    """Something is ready, and it is not v1: by its image, or by what the image of that tag is today."""
    place.sh("kubectl -n shop set image deployment/web web=example.test/shop/web:v1.1 && "
             "kubectl -n shop rollout status deployment/web --timeout=60s")
    said = place.backout("verify", ends=(1,))
    expect("web:v1.1, and v1 is" in said, "verify does not say that another image runs")
    cluster.say("registry", {"example.test/shop/web:v1": "e" * 64})
    place.sh("kubectl -n shop set image deployment/web web=example.test/shop/web:v1 && "
             "kubectl -n shop rollout status deployment/web --timeout=60s")
    expect("has been moved" in place.backout("verify", ends=(1,)), "verify does not say that the tag was moved")
    cluster.say("registry", {"example.test/shop/web:v1": ""})
    place.sh("kubectl -n shop rollout restart deployment/web && kubectl -n shop rollout status deployment/web --timeout=60s")
    place.backout("verify")
    return ["another image, and a tag that was moved, were not taken for v1"]


def lost_midway(place, cluster):
    """The first workload is told, and then nothing answers: Unknown, with what to look at; `resume` finishes it."""
    place.backout("deploy", "--version", "v3", "--", "./deploy.sh", "v3", ends=(5,))
    cluster.say("fault", {"mode": "500", "path": "deployments|statefulsets", "method": "PATCH", "after": 1, "then": "500"})
    said = place.backout("rollback", "--yes", "--reason", "v3 takes no orders", ends=(4,))
    expect("API server" in said and "kubectl" in said, "it is not said what to look at")
    cluster.say("fault", {})
    place.backout("status", ends=(0, 4, 5))
    place.backout("resume")
    is_v1(cluster)
    return ["the API server was lost in the middle of a switch: Unknown, and resumed"]


def paused(place, cluster):
    place.backout("deploy", "--version", "v4", "--", "./deploy.sh", "v4", ends=(5,))
    place.sh("kubectl -n shop rollout pause deployment/web")
    said = place.backout("rollback", "--yes", "--reason", "v4 takes no orders", ends=(1, 3))
    expect("rollout resume deployment/web" in said, "it is not said what to do about the pause")
    place.sh("kubectl -n shop rollout resume deployment/web")
    return ["a paused Deployment was refused before anything moved", *killed(place, cluster)]


def killed(place, cluster):
    """kill -9 as soon as the first workload was told; then `resume`."""
    def patches():
        return sum(request.startswith("PATCH") for request in json.loads(place.get(f"{cluster.root}/stand-in/requests")[1]))

    before = patches()
    rollback = subprocess.Popen([place.backout_program, "rollback", "--yes", "--reason", "v4 takes no orders"], cwd=place.site,
                                env=place.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)
    place.wait("a workload is told", lambda: patches() > before or rollback.poll() is not None)
    expect(rollback.poll() is None, f"the rollback ended by itself: {rollback.returncode}")
    rollback.kill()
    rollback.wait()
    place.backout("status", ends=(0, 4, 5))
    place.backout("resume")
    is_v1(cluster)
    return ["the rollback was killed in the middle of a switch, and resumed"]
