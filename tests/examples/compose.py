"""compose: v2 is healthy and takes no orders; v1's image, pinned, comes back. Then the Docker daemon restarts in the middle of a switch."""
import os
import subprocess
import threading
import time
from pathlib import Path

from place import expect

NEEDS = ("root", "dockerd", "docker-compose", "busybox", "curl")
PORT = 18100


class Docker:
    """A daemon of its own: it touches neither iptables nor docker0."""

    def __init__(self, place):
        self.place, self.at = place, place.directory / "docker"
        self.at.mkdir()
        place.environment["DOCKER_HOST"] = f"unix://{self.at}/s"
        place.environment.pop("COMPOSE_PROJECT_NAME", None)
        self.child = None
        place.at_end(self.end)
        self.start()

    def start(self):
        flags = ["--data-root", self.at / "data", "--exec-root", self.at / "exec", "-H", self.place.environment["DOCKER_HOST"],
                 "--pidfile", self.at / "pid", "--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false",
                 "--ip-masq=false", "--default-address-pool", "base=10.214.0.0/16,size=24"]
        with open(self.at / "log", "ab") as log:
            self.child = subprocess.Popen(["dockerd", *map(str, flags)], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                          start_new_session=True, env=self.place.environment)
        self.place.wait("dockerd answers", lambda: self.child.poll() is not None or self.ask("version") is not None, 30)
        expect(self.child.poll() is None, "dockerd cannot run here:\n" + (self.at / "log").read_text()[-2000:])

    def stop(self):
        self.child.terminate()
        self.child.wait(60)

    def ask(self, *words):
        done = subprocess.run(["docker", *words], env=self.place.environment, capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else None

    def end(self):
        if self.child.poll() is None:
            self.place.sh("docker ps -aq | xargs -r docker rm -f -v; docker network prune -f", quiet=True)
            self.stop()

    def runs(self, service):
        """The images of a service's containers, by their ids."""
        ids = (self.ask("ps", "-q", "--filter", f"label=com.docker.compose.service={service}") or "").split()
        return {self.ask("inspect", "-f", "{{.Image}}", one) for one in ids}


def run(place):
    docker = Docker(place)
    site = place.copy({"/srv/shop": place.site, "18100": PORT})
    order = f"http://127.0.0.1:{PORT}/cgi-bin/order"

    def orders(greeting):
        place.wait("orders are taken", lambda: place.get(order) == (200, f"{greeting}, ordered\n"))

    place.sh("./image.sh counter:1 v1 && ./deploy.sh v1")
    orders("hello")
    v1, counter = docker.ask("image", "inspect", "-f", "{{.Id}}", "shop:v1"), docker.ask("ps", "-q", "--filter", "label=com.docker.compose.service=counter")
    place.backout("lint")
    place.backout("record", "v1")
    place.backout("good", "v1")
    place.backout("deploy", "--version", "v2", "--", "sh", "-c", "echo GREETING=goodbye >web.env; ./deploy.sh v2", ends=(5,))
    expect(place.get(order)[0] == 500, "the bad release takes orders")
    place.sh("docker image prune -a -f")
    expect(docker.ask("image", "inspect", "-f", "{{.Id}}", v1) == v1, "v1's image did not outlive the prune")
    place.backout("ready", ends=(0, 3))
    place.backout("decide", "--no-questions", ends=(0, 3))
    plan = place.backout("plan")
    expect(f"shop:v1 ({v1[7:19]})" in plan, "the plan does not name the image")
    place.rolls_back(reason="v2 takes no orders")
    orders("hello")
    expect(docker.runs("web") == docker.runs("worker") == {v1}, "the containers do not run v1's image")
    expect(docker.ask("ps", "-q", "--filter", "label=com.docker.compose.service=counter") == counter, "the counter was touched")
    expect((site / ".env").read_text() == "TAG=v1\n", "the tag is not back")
    place.backout("verify")
    report = place.backout("report")
    expect("v2 -> v1" in report and "v2 takes no orders" in report, "the report does not tell it")
    return restarted_in_the_middle(place, docker, orders, v1)


def restarted_in_the_middle(place, docker, orders, v1):
    """Wholly old, wholly new, or Unknown with what to look at; then `resume` mends it."""
    place.sh("cp -r v2 v3; echo v3 >v3/www/version", quiet=True)
    place.backout("deploy", "--version", "v3", "--", "./deploy.sh", "v3", ends=(5,))
    status = []
    rollback = threading.Thread(target=lambda: status.append(subprocess.run(
        [place.backout_program, "rollback", "--yes", "--reason", "v3 takes no orders"], cwd=place.site, env=place.environment,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)))
    rollback.start()
    place.wait("docker-compose is at work", lambda: not rollback.is_alive() or composing(place))
    time.sleep(0.5)
    docker.stop()
    time.sleep(1)
    docker.start()
    rollback.join()
    ended = status[0]
    place.note(f"$ backout rollback, with dockerd restarted in its middle  -> {ended.returncode}\n{ended.stdout}")
    expect(ended.returncode in (0, 1, 4, 5), f"exit status {ended.returncode}")
    if ended.returncode in (4, 5):
        place.backout("status", ends=(0, 4, 5))
        place.backout("resume", ends=(0, 1))
    if docker.runs("web") != {v1}:  # wholly as it was: once more, with a daemon that stays
        expect((place.site / ".env").read_text() == "TAG=v3\n", "neither the old state nor the new one")
        place.rolls_back(reason="v3 takes no orders")
    orders("hello")
    expect(docker.runs("web") == docker.runs("worker") == {v1}, "the containers do not run v1's image")
    place.backout("verify")
    return [f"dockerd restarted in the middle of a switch: exit status {ended.returncode}"]


def composing(place):
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and b"--project-directory\0" + os.fsencode(place.site) in (entry / "cmdline").read_bytes():
                return True
        except OSError:
            continue
    return False
