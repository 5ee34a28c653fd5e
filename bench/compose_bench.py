#!/usr/bin/python3
"""How long a Compose project is between two releases: the cutover of a rollback, with its looks, and the bare command. One JSON row per line.

    bench/compose_bench.py [NAME...]        compose_switch compose_switch_unchecked

A daemon of its own, two services. The cutover of `backout rollback` is from the first event of `up-code` to the end of the last look behind
it: files and tags back, `up -d`, every container's image, configuration and health, and the site's own answer; all as it is when backout.yaml
says no more than it must. Both in turn; medians.

compose_switch: the services have health checks. Its peer is `docker-compose up -d` by hand until Docker calls both of them healthy (asked
every 20 ms) and the site answers as v1: a switch that is not known to serve is not done.
compose_switch_unchecked: they have none. backout wants a container to have run for `steady`, two seconds by default, before it believes it;
its peer `bare` believes at once, as soon as the site answers.
"""
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BACKOUT = str(ROOT / "build" / os.environ.get("BENCH_BUILD", "release") / "backout")
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))

PROJECT = """version: "3.7"
services:
  web:
    image: "shop:${TAG}"
    stop_signal: SIGKILL
    ports: ["127.0.0.1:@PORT@:8080"]@WEB@
  worker:
    image: "shop:${TAG}"
    stop_signal: SIGKILL
    command: [/bin/sleep, "1000000"]@WORKER@
"""
HEALTH = "\n    healthcheck: {{test: [CMD, {}], interval: 1s, timeout: 2s, retries: 5}}"
CHECKED = {"@WEB@": HEALTH.format('/bin/wget, -q, -O, "-", "http://127.0.0.1:8080/version"'), "@WORKER@": HEALTH.format("/bin/true")}
SITE = """site: bench
state: @DIR@/state
hosts: {local: {root: @DIR@/target}}
base_url: http://127.0.0.1:@PORT@
code: {layout: compose, path: @DIR@/shop, compose: {tag: TAG}}
checks: [{get: /version, status: 200, contains: v1, attempts: 40, every: 50ms}]
"""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Shop:
    def __init__(self, directory, checked):
        self.directory, self.port, self.checked = Path(directory), free_port(), checked
        self.environment = {**os.environ, "DOCKER_HOST": f"unix://{directory}/s", "BACKOUT_ACTOR": "bench"}
        flags = ["--data-root", f"{directory}/data", "--exec-root", f"{directory}/exec", "-H", self.environment["DOCKER_HOST"], "--pidfile",
                 f"{directory}/pid", "--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false",
                 "--default-address-pool", "base=10.215.0.0/16,size=24"]
        with open(self.directory / "log", "wb") as log:
            self.daemon = subprocess.Popen(["dockerd", *flags], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def build(self):
        limit = time.monotonic() + 30
        while subprocess.run(["docker", "version"], env=self.environment, capture_output=True, check=False).returncode != 0:
            if time.monotonic() > limit or self.daemon.poll() is not None:
                raise SystemExit((self.directory / "log").read_text()[-1000:])
            time.sleep(0.1)
        (self.directory / "shop").mkdir()
        for name, text in (("shop/docker-compose.yml", PROJECT), ("backout.yaml", SITE)):
            for key, value in {"@DIR@": self.directory, "@PORT@": self.port, **(CHECKED if self.checked else {"@WEB@": "", "@WORKER@": ""})}.items():
                text = text.replace(key, str(value))
            (self.directory / name).write_text(text)
        for version in ("v1", "v2"):
            self.sh(f"""rm -rf r; mkdir -p r/bin r/www; cp "$(command -v busybox)" r/bin/; for a in sh httpd sleep wget true; do ln -s busybox r/bin/$a; done
                echo {version} >r/www/version; tar -C r -c . | docker import -c 'CMD ["/bin/httpd","-f","-p","8080","-h","/www"]' - shop:{version}""")

    def sh(self, command):
        subprocess.run(["sh", "-ec", command], cwd=self.directory, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, check=True)

    def bare(self, version):
        (self.directory / "shop" / ".env").write_text(f"TAG={version}\n")
        began = time.perf_counter()
        subprocess.run(["docker-compose", "up", "-d"], cwd=self.directory / "shop", env=self.environment, stdin=subprocess.DEVNULL,
                       capture_output=True, check=True)
        while not self.healthy() or self.serves() != version:
            time.sleep(0.02)
        return time.perf_counter() - began

    def healthy(self):
        """What somebody at a terminal sees in `docker ps`."""
        if not self.checked:
            return True
        seen = subprocess.run(["docker", "ps", "--format", "{{.Image}} {{.Status}}"], env=self.environment, capture_output=True, text=True,
                              check=True).stdout.splitlines()
        return len(seen) == 2 and all(line.endswith("(healthy)") for line in seen)

    def serves(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/version", timeout=2) as answer:
                return answer.read().decode().strip()
        except OSError:
            return ""

    def backout(self, *words):
        done = subprocess.run([BACKOUT, "-f", str(self.directory / "backout.yaml"), *words], stdin=subprocess.DEVNULL, env=self.environment,
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"backout {' '.join(words)}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def cutover(self):
        self.backout("rollback", "v1", "--yes", "--reason", "bench")
        events = json.loads(self.backout("-o", "json", "log"))["events"]
        run = [one["run"] for one in events if one["type"] == "step_ended"][-1]
        own = [one for one in events if one["run"] == run and one["body"].get("step", "").startswith(("up-", "runs-", "check-"))]
        begun = min(one["at_ms"] for one in own if one["body"]["step"] == "up-code" and one["type"].endswith("intended"))
        return (max(one["at_ms"] for one in own if one["type"] == "step_ended") - begun) / 1000

    def down(self):
        self.sh("docker ps -aq | xargs -r docker rm -f -v; docker network prune -f")
        self.daemon.terminate()
        self.daemon.wait()


def switch(name, directory, checked):
    shop = Shop(directory, checked)
    try:
        shop.build()
        shop.bare("v1")
        shop.backout("record", "v1")
        shop.backout("good", "v1")
        shop.backout("checkpoint")
        ours, bare = [], []
        for _ in range(ROUNDS):
            shop.bare("v2")
            shop.backout("record", "v2")
            ours.append(shop.cutover())
            shop.bare("v2")
            bare.append(shop.bare("v1"))
    finally:
        shop.down()
    ours, bare = statistics.median(ours), statistics.median(bare)
    print(json.dumps({"name": name, "value": ours, "unit": "s", "peer": "bare", "peer_value": bare, "ratio": bare / ours}), flush=True)


def main():
    for name, checked in (("compose_switch", True), ("compose_switch_unchecked", False)):
        if len(sys.argv) > 1 and name not in sys.argv[1:]:
            continue
        directory = tempfile.mkdtemp(prefix="bench-compose-", dir="/tmp")
        os.chmod(directory, 0o755)
        try:
            switch(name, directory, checked)
        finally:
            shutil.rmtree(directory)


if __name__ == "__main__":
    main()
