"""compose: v2 is healthy and takes no orders; v1's image, pinned, comes back. Then the
Docker daemon restarts in the middle of a switch, a registry is gone, a disk is full, and a database is one of the containers."""
import os
import pwd
import subprocess
import threading
import time
from pathlib import Path

from compose_faults import disk_full
from compose_registry import registry
from place import ROOT, expect


def may_run_a_daemon():
    """Mounts and networks: CAP_SYS_ADMIN and CAP_NET_ADMIN, which root in a container may lack."""
    effective = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("CapEff:"))
    return int(effective.split()[1], 16) & (1 << 21 | 1 << 12) == 1 << 21 | 1 << 12


NEEDS = ("root", "dockerd", "docker-compose", "busybox", "curl", "psql",
         *(() if may_run_a_daemon() else ("the capabilities of a docker daemon",)))
PORT = 18100


def plugin():
    """The path of the real plugin, and why it cannot be had."""
    done = subprocess.run(["sh", ROOT / "tests" / "support" / "compose_plugin.sh", ROOT], capture_output=True, text=True, check=False)
    return done.stdout.strip(), done.stderr.strip() if done.returncode != 0 else ""


class Docker:
    """A daemon of its own: it touches neither iptables nor docker0. `compose`: the tool that projects are run with."""

    def __init__(self, place, compose="docker-compose"):
        self.place, self.at, self.compose = place, place.directory / "docker", compose
        self.at.mkdir()
        self.config = self.at / "config"
        (self.config / "cli-plugins").mkdir(parents=True)
        if compose == "docker compose":
            (self.config / "cli-plugins" / "docker-compose").symlink_to(plugin()[0])
        place.environment["DOCKER_CONFIG"] = str(self.config)
        place.environment["DOCKER_HOST"] = f"unix://{self.at}/s"
        place.environment.pop("COMPOSE_PROJECT_NAME", None)
        self.child = None
        place.at_end(self.end)
        self.start()

    def start(self):
        flags = ["--data-root", self.at / "data", "--exec-root", self.at / "exec", "-H", self.place.environment["DOCKER_HOST"],
                 "--pidfile", self.at / "pid", "--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false",
                 "--ip-masq=false", "--default-address-pool", f"base=10.{215 if self.compose == 'docker compose' else 214}.0.0/16,size=24"]
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

    def named(self, project, service):
        """As the tool names the first container of a service."""
        return ("-" if self.compose == "docker compose" else "_").join((project, service, "1"))

    def container(self, service):
        return self.ask("ps", "-q", "--filter", f"label=com.docker.compose.service={service}") or ""

    def runs(self, service):
        """The images of a service's containers, by their ids."""
        return {self.ask("inspect", "-f", "{{.Image}}", one) for one in self.container(service).split()}


def run(place, tool="docker-compose", port=PORT):
    docker = Docker(place, tool)
    site = place.copy({"/srv/shop": place.site, "18100": port})
    order = f"http://127.0.0.1:{port}/cgi-bin/order"

    def orders(greeting):
        place.wait("orders are taken", lambda: place.get(order) == (200, f"{greeting}, ordered\n"))

    place.sh("./image.sh counter:1 v1 && ./deploy.sh v1")
    orders("hello")
    v1, counter = docker.ask("image", "inspect", "-f", "{{.Id}}", "shop:v1"), docker.container("counter")
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
    expect(docker.container("counter") == counter, "the counter was touched")
    expect((site / ".env").read_text() == "TAG=v1\n", "the tag is not back")
    place.backout("verify")
    report = place.backout("report")
    expect("v2 -> v1" in report and "v2 takes no orders" in report, "the report does not tell it")
    # Of the faults each tool gets its share: what they do not change between them is played once.
    faults = registry if tool == "docker compose" else disk_full
    return [*restarted_in_the_middle(place, docker, orders, v1), *faults(place, docker), *database_inside(place, docker)]


def restarted_in_the_middle(place, docker, orders, v1):
    """Wholly old, wholly new, or Unknown with what to look at; then `resume` mends it."""
    place.sh("cp -r v2 v3; echo v3 >v3/www/version", quiet=True)
    place.backout("deploy", "--version", "v3", "--", "./deploy.sh", "v3", ends=(5,))
    v3, status = docker.ask("image", "inspect", "-f", "{{.Id}}", "shop:v3"), []
    rollback = threading.Thread(target=lambda: status.append(subprocess.run(
        [place.backout_program, "rollback", "--yes", "--reason", "v3 takes no orders"], cwd=place.site, env=place.environment,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)))
    rollback.start()
    place.wait(f"{docker.compose} is at work", lambda: not rollback.is_alive() or composing(place))
    time.sleep(0.5)
    docker.stop()
    time.sleep(1)
    docker.start()
    rollback.join()
    ended = status[0]
    place.note(f"$ backout rollback, with dockerd restarted in its middle  -> {ended.returncode}\n{ended.stdout}")
    expect(ended.returncode in (0, 1, 4, 5), f"exit status {ended.returncode}")
    if ended.returncode in (4, 5):
        expect("resume" in ended.stdout, "neither done nor put back, and no word of what to do")
        place.backout("status", ends=(0, 4, 5))
        place.backout("resume", ends=(0, 1))
    runs = docker.runs("web") | docker.runs("worker")
    if ended.returncode == 0:
        expect(runs == {v1}, "it ended in 0, and something else runs than v1")
    if runs != {v1}:  # wholly as it was: once more, with a daemon that stays
        expect(runs == {v3}, f"neither the old state nor the new one: {runs}")
        expect((place.site / ".env").read_text() == "TAG=v3\n", "the old containers with other files")
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


def database_inside(place, docker):
    """A PostgreSQL that has no port outside its project: restored beside and swapped, with the rows that users wrote since."""
    site = place.directory / "inside"
    data = site / "data"
    site.mkdir(mode=0o755)
    data.mkdir(mode=0o700)
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"))
    postgres = pwd.getpwnam("postgres")
    os.chown(data, postgres.pw_uid, postgres.pw_gid)
    place.sh(f"runuser -u postgres -- {programs}/initdb -D {data} -A trust -U postgres --no-sync", quiet=True, cwd="/")
    with open(data / "pg_hba.conf", "a") as rules:
        rules.write("host all all samenet trust\n")
    # The machine's own PostgreSQL, in an image with nothing but the links into its /usr.
    place.sh("mkdir r r/tmp && chmod 1777 r/tmp && cp -a /bin /lib* /sbin r/ && tar -C r -c . | docker import - machine:1",
             quiet=True, cwd=site)
    (site / "docker-compose.yml").write_text(INSIDE.format(user=f"{postgres.pw_uid}:{postgres.pw_gid}", programs=programs))
    (site / ".env").write_text("TAG=v1\n")
    (site / "backout.yaml").write_text(INSIDE_SITE.format(site=site))
    place.sh(f"{docker.compose} -p orders up -d", cwd=site)

    def psql(sql, database="orders"):
        address = docker.ask("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", docker.container("db"))
        words = ["psql", "-qXAt", "-v", "ON_ERROR_STOP=1", "-h", address, "-U", "postgres", "-d", database, "-c", sql]
        return place.sh(words, quiet=True, cwd=site).strip()

    place.wait("PostgreSQL answers", lambda: docker.ask("exec", docker.named("orders", "db"), f"{programs}/pg_isready", "-h", "127.0.0.1"))
    psql("CREATE DATABASE orders", "postgres")
    psql("CREATE TABLE orders (id serial PRIMARY KEY, note text NOT NULL); INSERT INTO orders (note) VALUES ('first'), ('second')")

    def backout(*words, ends=(0,)):
        return place.backout("-f", site / "backout.yaml", *words, ends=ends, cwd=site)

    backout("record", "v1")
    backout("good", "v1")
    migrate = f"docker exec {docker.named('orders', 'db')} {programs}/psql -h 127.0.0.1 -U postgres -d orders -c 'ALTER TABLE orders DROP COLUMN note'"
    deploy = f"{migrate} && echo TAG=v2 >.env && {docker.compose} -p orders up -d"
    backout("deploy", "--version", "v2", "--", "sh", "-c", deploy)
    psql("INSERT INTO orders DEFAULT VALUES")
    db = docker.container("db")
    said = backout("rollback", "--yes", "--reason", "orders without notes")
    expect("Rolled back and verified" in said, "ended in 0 without 'Rolled back and verified'")
    expect(psql("SELECT string_agg(note, ',' ORDER BY id) FROM orders WHERE id < 3") == "first,second", "the notes are not back")
    expect(psql("SELECT count(*) FROM orders") == "3", "the row that a user wrote since is not there")
    expect(docker.container("db") == db, "the database's container was touched")
    expect((site / ".env").read_text() == "TAG=v1\n", "the tag is not back")
    backout("good", "v1")
    backout("deploy", "--version", "v3", "--", "sh", "-c", f"echo TAG=v3 >.env && {docker.compose} -p orders up -d")
    for plan in (backout("plan"), backout("plan", "--code-only")):
        expect("up-code" in plan and "stop-code" not in plan, "containers are stopped though the database stays as it is")
    return ["a database inside the project was restored, swapped and kept its new row"]


INSIDE = """version: "3.7"
services:
  web: {{image: "shop:${{TAG}}", stop_signal: SIGKILL}}
  db:
    image: machine:1
    user: "{user}"
    stop_signal: SIGINT
    volumes: ["/usr:/usr:ro", "/etc:/etc:ro", "./data:/data"]
    command: [{programs}/postgres, -D, /data, -c, "listen_addresses=*", -c, unix_socket_directories=/tmp]
"""
INSIDE_SITE = """site: orders
code: {{layout: compose, path: {site}, compose: {{project: orders, tag: TAG, steady: 500ms}}}}
database:
  postgresql: {{dsn: "host=compose:orders/db user=postgres", database: orders, fill: {{orders.note: "none"}}}}
checks: [{{run: "true", name: there}}]
"""
