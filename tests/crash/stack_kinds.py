"""What the stacks of the crash matrix run on, each begun once: stacks.py says what a stack is asked."""
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "examples")]
import blue_green_nginx  # noqa: E402
import canary_haproxy  # noqa: E402
import compose  # noqa: E402
import compose_plugin  # noqa: E402
import coolify_compose  # noqa: E402
import kubernetes  # noqa: E402
from place import ROOT  # noqa: E402
from slot import free_port  # noqa: E402


class Nginx:
    """Pools behind an nginx: the include file, and who answers in front."""
    example, needs, spread = "blue-green-nginx", blue_green_nginx.NEEDS, 30

    def __init__(self, place):
        self.place = place
        blue_green_nginx.begin(place)
        place.sh("./deploy.sh v1", quiet=True)

    def bring(self, version):
        self.place.sh(f"./deploy.sh {version}", quiet=True)
        self.place.wait(f"{version} serves", lambda: self.serves() == {version})

    def serves(self):
        """Who answers in front: each of ten requests."""
        return {self.place.get(blue_green_nginx.URL.format(blue_green_nginx.FRONT, "/version"))[1].strip() for _ in range(10)}

    def faults(self, version):
        port = {"v1": blue_green_nginx.BLUE, "v2": blue_green_nginx.GREEN}[version]
        text = (self.place.site / "pool.conf").read_text()
        serving = [line for line in text.splitlines() if line.startswith("server ")]
        return [] if len(serving) == 1 and f":{port};" in serving[0] else [f"pool.conf is {text!r}"]


class Haproxy:
    """Pools behind a HAProxy: their weights and states by its own word."""
    example, needs, spread = "canary-haproxy", canary_haproxy.NEEDS, 15

    def __init__(self, place):
        self.place = place
        canary_haproxy.begin(place)
        place.sh("./canary.sh v1", quiet=True)
        place.wait("v1 serves", lambda: self.serves() == {"v1"})

    def bring(self, version):
        self.place.sh(f"./canary.sh {version} && ./weight.py blue 0 green 100", quiet=True)
        self.place.wait(f"{version} serves", lambda: self.serves() == {version}, 60)

    def serves(self):
        front = f"http://127.0.0.1:{canary_haproxy.FRONT}/version"
        return {self.place.get(front)[1].strip() for _ in range(10)}

    def faults(self, version):
        weights = canary_haproxy.weights(self.place)
        on, off = ("blue", "green") if version == "v1" else ("green", "blue")
        return [] if weights[on][0] > 0 and weights[on][1] == 0 and weights[off][0] == 0 else [f"the weights are {weights}"]


class Kubernetes:
    """A Deployment and a StatefulSet with their ConfigMap and Secret, by a real kubectl before a stand-in of the API server."""
    example, needs, spread = "kubernetes", kubernetes.NEEDS, 9

    def __init__(self, place):
        self.place, self.cluster = place, kubernetes.Cluster(place)
        place.copy({"/srv/shop": place.site, "18210": kubernetes.PORT, "wait: 1m": "wait: 10s"})
        place.sh("./deploy.sh v1", quiet=True)

    def bring(self, version):
        self.place.sh(f"./deploy.sh {version} goodbye", quiet=True)

    def serves(self):
        return {image.rsplit(":", 1)[1] for image in self.cluster.images()}

    def faults(self, version):
        key = json.loads(self.place.sh("kubectl -n shop get secret web-keys -o json", quiet=True))["data"]
        return [] if self.keys_of.setdefault(version, key) == key else [f"the Secret is not that of {version}"]

    @property
    def keys_of(self):
        return self.__dict__.setdefault("_keys", {})


class Compose:
    """Two services of a Compose project, by a real docker-compose and a real daemon."""
    example, needs, spread, tool = "compose", compose.NEEDS, 6, "docker-compose"

    def __init__(self, place):
        self.place, self.docker = place, compose.Docker(place, self.tool)
        place.copy({"/srv/shop": place.site, "18100": free_port()})
        place.sh("./image.sh counter:1 v1 && ./deploy.sh v1", quiet=True)
        self.images = {"v1": self.docker.ask("image", "inspect", "-f", "{{.Id}}", "shop:v1")}

    def bring(self, version):
        self.place.sh(f"./deploy.sh {version}", quiet=True)
        self.images[version] = self.docker.ask("image", "inspect", "-f", "{{.Id}}", f"shop:{version}")

    def serves(self):
        runs = self.docker.runs("web") | self.docker.runs("worker")
        return {next((version for version, image in self.images.items() if image == one), str(one)) for one in runs}

    def faults(self, version):
        text = (self.place.site / ".env").read_text()
        return [] if text == f"TAG={version}\n" else [f".env is {text!r}"]


class ComposePlugin(Compose):
    """The same by the real `docker compose`."""
    needs, spread, tool = compose_plugin.NEEDS, 4, "docker compose"
    cannot = staticmethod(compose_plugin.cannot)


class Coolify:
    """The stand-in of Coolify with its application, the branch in a real git, a cron job and the search index."""
    example, needs, spread = "coolify-compose", coolify_compose.NEEDS, 12

    def __init__(self, place):
        self.place = place
        self.site, self.git, self.coolify = coolify_compose.begin(place)
        self.cron = (self.site / "news.cron").read_text()

    def bring(self, version):
        """As it was before anything was rolled back: the cron job, auto-deploy, the application's setting, then a push."""
        (self.site / "news.cron").write_text(self.cron)
        self.place.sh(f"{self.git} update-ref refs/heads/main {self.coolify.commits['v1']} && git -C clone fetch -q", quiet=True)
        self.coolify.control(set={"is_auto_deploy_enabled": True, "git_commit_sha": "HEAD"})
        self.place.sh(["git", "-C", "clone", "push", "-q", "-f", "origin", f"{version}^{{commit}}:main"], quiet=True)
        self.place.wait(f"{version} serves", lambda: self.coolify.serves(version))
        self.place.wait("Coolify is idle", lambda: self.coolify.control()["deployments"][-1]["status"] == "finished")

    def serves(self):
        return {version for version in ("v1", "v2") if self.coolify.serves(version)}

    def faults(self, version):
        tree = self.place.sh(f"{self.git} rev-parse 'main^{{tree}}' '{version}^{{tree}}'", quiet=True).split()
        found = [] if tree[0] == tree[1] else [f"main has not the code of {version}"]
        if version == "v2" and not self.coolify.auto_deploy():
            found.append("auto-deploy is off")
        if version == "v2" and (self.site / "news.cron").read_text() != self.cron:
            found.append("the cron job is not as it was")
        if version == "v1" and self.coolify.auto_deploy():
            found.append("auto-deploy is on")
        return found

    def resolved(self):
        """As it was found, but for the code."""
        found = [] if self.coolify.auto_deploy() else ["auto-deploy is still off"]
        if (sha := self.coolify.control()["application"]["git_commit_sha"]) != "HEAD":
            found.append(f"the application is still set to {sha}")
        if (self.site / "news.cron").read_text() != self.cron:
            found.append("the cron job is not as it was")
        return found if self.coolify.serves("v1") else [*found, "v1 does not serve any more"]


class TwoPools:
    """v1 and v2 run beside each other, and a balancer divides the requests between them."""

    def __init__(self, place):
        self.place, self.ports = place, {"v1": free_port(), "v2": free_port()}
        place.site.mkdir()
        shop = ROOT / "examples" / "blue-green-nginx"
        for version, port in self.ports.items():
            place.start(["/usr/bin/python3", "-B", shop / "server.py", shop / version, port])
        for version, port in self.ports.items():
            place.wait(f"{version} runs", lambda at=port: place.get(f"http://127.0.0.1:{at}/version")[0] == 200)

    def configure(self, traffic, pools):
        pools = "\n".join(f"    {name}: {{urls: [\"http://127.0.0.1:{self.ports[version]}\"], {more}}}"
                          for version, (name, more) in pools.items())
        (self.place.site / "backout.yaml").write_text(
            f"site: shop\nenvironment: production\nstate: {self.place.directory}/state\nbase_url: {self.front}\npublic_url: {self.front}\n"
            f"traffic:\n  {traffic}\n  pools:\n{pools}\n  version: /version\nchecks: [/health 200]\nwatch: {{first: 0s}}\n")

    def serves(self):
        return {self.place.get(f"{self.front}/version")[1].strip() for _ in range(10)}

    def bring(self, version):
        self.weigh({version: 100})
        self.place.wait(f"{version} serves", lambda: self.serves() == {version})


class Alb(TwoPools):
    """A listener's weights, by the real aws command before the stand-in of tests/support/elbv2.py."""
    needs, spread = ("aws",), 3
    group = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/{}/73e2d6bc24d8a067"
    listener = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/shop/50dc6c495c0c9188/f2f7dc8efc522ab2"

    def __init__(self, place):
        super().__init__(place)
        api, front = free_port(), free_port()
        self.front, self.state = f"http://127.0.0.1:{front}", place.directory / "elbv2.json"
        place.environment |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_MAX_ATTEMPTS": "1",
                              "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/dev/null",
                              "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}
        place.start(["/usr/bin/python3", ROOT / "tests" / "support" / "elbv2.py", api, front, self.state,
                     *(f"{version}={port}" for version, port in self.ports.items())])
        place.wait("the balancer answers", lambda: place.get(f"{self.front}/version")[0] == 200)
        self.configure(f"alb: {{listener: \"{self.listener}\", region: eu-west-1, endpoint: \"http://127.0.0.1:{api}\"}}",
                       {version: (version, f"target_group: \"{self.group.format(version)}\"") for version in self.ports})
        self.bring("v1")

    def weights(self):
        groups = json.loads(self.state.read_text())["actions"][0]["ForwardConfig"]["TargetGroups"]
        return {group["TargetGroupArn"].split("/")[1]: int(group["Weight"]) for group in groups}

    def weigh(self, weights):
        """As somebody does in the console."""
        state = json.loads(self.state.read_text())
        state["actions"][0]["ForwardConfig"]["TargetGroups"] = [
            {"TargetGroupArn": self.group.format(version), "Weight": weights.get(version, 0)} for version in self.ports]
        new = self.state.with_suffix(".new")
        new.write_text(json.dumps(state))
        new.rename(self.state)

    def faults(self, version):
        weights = self.weights()
        return [] if {one for one, weight in weights.items() if weight} == {version} else [f"the weights are {weights}"]


def begin_cluster(place):
    """The stand-in of an API server, with its kubeconfig in the environment; where it answers."""
    port = free_port()
    root = f"http://127.0.0.1:{port}"
    place.start(["/usr/bin/python3", ROOT / "tests" / "support" / "cluster" / "api.py", port, "0.02"])
    place.wait("the stand-in answers", lambda: place.get(f"{root}/api")[0] == 200)
    (place.directory / "kubeconfig").write_text(place.get(f"{root}/stand-in/kubeconfig")[1])
    place.environment |= {"KUBECONFIG": str(place.directory / "kubeconfig"), "HOME": str(place.directory)}
    return root


class Istio(TwoPools):
    """The weights of a VirtualService, by a real kubectl before the stand-in of an API server."""
    needs, spread = ("kubectl",), 8

    def __init__(self, place):
        super().__init__(place)
        self.root = begin_cluster(place)
        self.front = f"{self.root}/mesh"
        place.get(f"{self.root}/stand-in/mesh",
                  data=json.dumps({version: f"http://127.0.0.1:{at}" for version, at in self.ports.items()}))
        self.configure("istio: {namespace: shop, virtual_service: web}", {version: (version, f"subset: {version}") for version in self.ports})
        self.bring("v1")

    def weigh(self, weights):
        route = [{"destination": {"host": "web", "subset": version}, "weight": weights.get(version, 0)} for version in self.ports]
        (self.place.directory / "web.json").write_text(json.dumps({
            "apiVersion": "networking.istio.io/v1beta1", "kind": "VirtualService", "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"hosts": ["web"], "http": [{"route": route}]}}))
        self.place.sh(f"kubectl apply --validate=false -f {self.place.directory}/web.json", quiet=True)

    def faults(self, version):
        web = json.loads(self.place.sh("kubectl -n shop get virtualservices.networking.istio.io web -o json", quiet=True))
        route = web["spec"]["http"][0]["route"]
        gets = {one["destination"]["subset"] for one in route if one.get("weight", 0)}
        return [] if gets == {version} else [f"the route is {route}"]


class HelmRelease:
    """A Deployment that belongs to a Helm release, by the stand-ins of helm and of an API server, and a real kubectl."""
    needs, spread = ("kubectl",), 6

    def __init__(self, place):
        self.place, self.tool = place, ROOT / "tests" / "support" / "cluster" / "helm.py"
        self.root = begin_cluster(place)
        place.site.mkdir()
        (place.site / "backout.yaml").write_text(
            f"site: shop\nenvironment: production\nstate: {place.directory}/state\nbase_url: {self.root}/service/shop/web\n"
            "code:\n  layout: kubernetes\n  kubernetes: {namespace: shop, workloads: [deployment/web], wait: 20s, "
            f"helm: shop, helm_program: {self.tool}}}\nchecks: [/version 200]\nwatch: {{first: 0s}}\n")
        self.bring("v1")

    def helm(self, *words):
        return self.place.sh([self.tool, *words, "--namespace=shop", f"--kubeconfig={self.place.directory}/kubeconfig"], quiet=True)

    def bring(self, version):
        labels = {"app": "web"}
        container = {"name": "web", "image": f"example.test/shop/web:{version}"}
        (self.place.directory / "objects.json").write_text(json.dumps([{
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"replicas": 2, "selector": {"matchLabels": labels},
                     "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}}}}]))
        if any(one["status"].startswith("pending") for one in self.history()[-1:]):
            self.helm("rollback", "shop", "1")  # as people do
        self.helm("upgrade", "shop", version, self.place.directory / "objects.json")
        self.place.wait(f"{version} runs", lambda: self.serves() == {version})

    def history(self):
        if not (self.place.directory / "helm.json").exists():
            return []
        return json.loads(self.helm("history", "shop", "--output=json"))

    def serves(self):
        pods = json.loads(self.place.sh("kubectl -n shop get pods -o json", quiet=True))["items"]
        return {pod["spec"]["containers"][0]["image"].rsplit(":", 1)[1] for pod in pods if "deletionTimestamp" not in pod["metadata"]}

    def faults(self, version):
        newest = self.history()[-1]
        return [] if newest["status"] == "deployed" else [f"revision {newest['revision']} is {newest['status']}"]


STACKS = {"nginx": Nginx, "haproxy": Haproxy, "kubernetes": Kubernetes, "compose": Compose, "compose-plugin": ComposePlugin, "coolify": Coolify, "alb": Alb, "istio": Istio,
          "helm": HelmRelease}
