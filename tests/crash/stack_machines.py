"""Stacks of the crash matrix with a systemd of their own: stacks.py says what a stack is asked."""
import json
import os
import signal
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "examples"), str(HERE.parent / "code"), str(HERE.parent / "support")]
import binary_ansible  # noqa: E402
import compose  # noqa: E402
import handover  # noqa: E402
import oracle  # noqa: E402
from container import PATH, Container  # noqa: E402
from load import Load  # noqa: E402
from place import expect  # noqa: E402
from ports import free_port  # noqa: E402
from stack_kinds import begin_cluster  # noqa: E402

GO = ("go", *(() if Path("/usr/share/gocode/src/github.com/lib/pq").exists() else ("golang-github-lib-pq-dev",)))


class Handover:
    """A binary under systemd, which listens for it: swapped while users are on it, and none of them may notice a kill either."""
    needs, spread = ("root", "systemd-nspawn", *GO), 7

    def __init__(self, place):
        place.site.mkdir()
        self.host = handover.Host(place.directory / "machine", place.backout_program, free_port())
        place.at_end(self.host.down)
        self.directory = self.host.srv
        self.host.prepare()
        self.load = Load([("127.0.0.1", self.host.port)], lasts="700ms", pause=0.1)
        place.at_end(self.load.end)
        self.load.begin()

    def run(self, *arguments, **environment):
        return self.host.run(*arguments, **environment)

    def bring(self, version):
        ended = self.host.inside("sh", self.directory / "deploy.sh", version)
        expect(ended.status == 0, ended.output)

    def serves(self):
        """The programs that live, by the kernel, and who answers."""
        return {*self.host.programs(), self.load.get(("127.0.0.1", self.host.port), "/version", 15)}

    def faults(self, version):
        link = (self.directory / "current").readlink().name
        met, self.load.faults = self.load.faults, []
        return [*(f"users met {fault}" for fault in met), *([] if link == version else [f"current is {link}"])]


class Ansible:
    """A binary on three hosts, each with a systemd and an sshd of its own, brought there by `make deploy` and Ansible."""
    example, needs, spread = "binary-ansible", binary_ansible.NEEDS, 3
    has_database = True

    def __init__(self, place):
        self.place = place
        self.cluster, self.hosts = binary_ansible.begin(place)

    def bring(self, version):
        self.place.sh(f"git -C work checkout -q {version} && make -C work deploy ANSIBLE_INVENTORY=production", quiet=True)

    def serves(self):
        """The processes of all three hosts, by what each says of itself, and who answers."""
        answers = {self.place.get(f"http://{host.address}:{binary_ansible.WEB}/version")[1].strip() for host in self.hosts}
        return answers.union(*(host.runs() for host in self.hosts))

    def faults(self, version):
        runs = {host.name: host.runs() for host in self.hosts}
        return [] if all(one == [version] for one in runs.values()) else [f"the hosts run {runs}"]


class Pauses:
    """Everything that deploys by itself beside what writes to the site by the clock: a cron file, a user's crontab, timers, a container
    of a real Docker, Argo CD and Flux by a real kubectl before the stand-in of an API server."""
    needs, spread = ("root", "systemd-nspawn", "crontab", "kubectl", "busybox",
                     *(need for need in compose.NEEDS if need.startswith(("docker", "the cap")) and need != "docker-compose")), 5
    pulls = "SHELL=/bin/sh\n*/5 * * * * root cd /srv/shop && git pull -q\n#backout-paused 1 1 1 1 * root git pull --tags\n@daily root backup"
    table = "MAILTO=\"\"\n\n# of the team\n*/7 * * * * git -C /srv/shop pull -q  \n0 4 * * *\ttidy %x\n"
    argo = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "shop", "namespace": "argocd"},
            "spec": {"project": "default", "syncPolicy": {"automated": {"prune": True, "selfHeal": True}, "retry": {"limit": 2}}}}
    flux = {"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": "shop", "namespace": "flux-system"}, "spec": {"interval": "5m", "path": "./shop"}}
    look = """for file in /etc/cron.d/* /etc/cron.d/.[!.]*; do [ ! -f "$file" ] || { stat -c '%n %a %U' "$file"; cat "$file"; echo; }; done
        for user in games backup; do echo "of $user:"; crontab -u $user -l; done
        for timer in pull job; do systemctl show -p ActiveState,UnitFileState,DropInPaths shop-$timer.timer; done
        ls /etc/systemd/system/shop-*.d /run/systemd/system/shop-*.d 2>/dev/null
        docker container inspect -f '{{.State.Status}} {{.HostConfig.RestartPolicy.Name}}' watcher"""

    def __init__(self, place):
        self.place, self.directory = place, place.directory / "srv"
        place.site.mkdir()
        for version in ("v1", "v2"):
            (self.directory / "releases" / version).mkdir(parents=True)
            (self.directory / "releases" / version / "VERSION").write_text(version + "\n")
        docker = compose.Docker(place)
        begin_cluster(place)
        os.chmod(place.directory / "kubeconfig", 0o644)
        self.container = Container(place.directory / "host", f"--bind={self.directory}", f"--bind={docker.at}",
                                   f"--bind-ro={place.directory}/kubeconfig", f"--bind-ro={os.path.dirname(place.backout_program)}:/opt/backout")
        place.at_end(self.container.down)
        self.sites_files()
        place.sh("mkdir root && cp /bin/busybox root/sleep && tar -C root -c . | docker import - watcher:1 && "
                 "docker run -d --network none --restart=always --name watcher watcher:1 /sleep 100000", quiet=True)
        self.must(f"cp {self.directory}/*.service {self.directory}/*.timer /etc/systemd/system/; systemctl daemon-reload; "
                  f"ln -s {self.directory}/releases/v1 {self.directory}/current; rm -f /etc/cron.d/*; systemctl enable -q shop-pull.timer shop-job.timer")
        self.bring("v1")
        self.found = self.state()

    def sites_files(self):
        files = {"shop.service": f"[Service]\nWorkingDirectory={self.directory}/current\nExecStart=/bin/sleep infinity\n"}
        for name in ("pull", "job"):
            files[f"shop-{name}.service"] = "[Service]\nType=oneshot\nExecStart=/bin/true\n"
            files[f"shop-{name}.timer"] = "[Timer]\nOnCalendar=*-01-01\n[Install]\nWantedBy=timers.target\n"
        files |= {"pulls": self.pulls, "jobs": "*/3 * * * * root true\n", "table": self.table, "table-of-jobs": "*/4 * * * * true\n"}
        files["backout.yaml"] = f"""\
site: shop
environment: production
state: {self.directory}/state
hosts: {{local: {{root: {self.directory}/target}}}}
code: {{layout: releases, path: {self.directory}, ignore: [state, target]}}
services:
  - {{systemd: shop.service, drain: 2s}}
  - {{timer: shop-job.timer}}
  - {{cron: /etc/cron.d/jobs}}
  - {{crontab: backup}}
auto_deploys:
  - {{cron: /etc/cron.d/pulls, match: git pull}}
  - {{crontab: games, match: git -C}}
  - {{timer: shop-pull.timer}}
  - {{container: watcher}}
  - {{argocd: shop}}
  - {{flux: kustomization/shop}}
checks:
  - {{run: "test $(cat {self.directory}/current/VERSION) = {{{{version}}}}", name: version}}
watch: {{first: 0s}}
"""
        for name, text in files.items():
            (self.directory / name).write_text(text)

    def inside(self, script, **more):
        return self.container.inside("sh", "-c", script, DOCKER_HOST=self.place.environment["DOCKER_HOST"], **more)

    def must(self, script):
        status, said = self.inside(f"set -e; {script}")
        expect(status == 0, f"{script}: {said}")
        return said

    def run(self, *arguments, **environment):
        return self.container.inside(
            "/opt/backout/backout", "-f", self.directory / "backout.yaml", *arguments, BACKOUT_ACTOR="matrix",
            DOCKER_HOST=self.place.environment["DOCKER_HOST"], KUBECONFIG=self.place.environment["KUBECONFIG"], **environment)

    def bring(self, version):
        at = self.directory
        self.must("rm -rf /etc/cron.d/* /etc/cron.d/.[!.]* /etc/systemd/system/shop-*.timer.d /run/systemd/system/shop-*.timer.d;"
                  f"cp {at}/pulls {at}/jobs /etc/cron.d/; chmod 640 /etc/cron.d/pulls; crontab -u games {at}/table; crontab -u backup {at}/table-of-jobs;"
                  "systemctl daemon-reload; systemctl start shop-pull.timer shop-job.timer;"
                  f"ln -sfn releases/{version} {at}/next; mv -T {at}/next {at}/current; systemctl restart shop.service;"
                  "docker update --restart=always watcher >/dev/null; docker unpause watcher 2>/dev/null || docker start watcher >/dev/null")
        for value in (self.argo, self.flux):
            (self.place.directory / "object.json").write_text(json.dumps(value))
            self.place.sh(f"kubectl replace --validate=false -f {self.place.directory}/object.json || "
                          f"kubectl create --validate=false -f {self.place.directory}/object.json", quiet=True)

    def serves(self):
        """What the link says, and where the unit's process runs."""
        where = self.must("readlink /proc/$(systemctl show -P MainPID shop.service)/cwd")
        return {(self.directory / "current").readlink().name, Path(where.strip()).name}

    def spec(self, kind, name, namespace):
        return json.loads(self.place.sh(f"kubectl -n {namespace} get {kind} {name} -o json", quiet=True))["spec"]

    def state(self):
        return {"machine": self.inside(self.look)[1], "argo": self.spec("applications.argoproj.io", "shop", "argocd"),
                "flux": self.spec("kustomizations.kustomize.toolkit.fluxcd.io", "shop", "flux-system")}

    def resolved(self):
        """As it was found, to the byte; `suspend: false` is how Flux says that it goes on."""
        now = self.state()
        if now["flux"].get("suspend") is False:
            del now["flux"]["suspend"]
        return [f"{name} was {self.found[name]!r} and is {now[name]!r}" for name in now if now[name] != self.found[name]]

    def more(self):
        return {"killed three times while they are let go on": self.let_go_on}

    def let_go_on(self, matrix):
        matrix.put_back()
        matrix.must(*matrix.rollback)
        resolve = ("resolve", "v2", "--cause", "matrix", "--fix", "none")
        for point in ("command:1:during", "command:2:after", "append:2:before"):
            ended = matrix.run(*resolve, BACKOUT_KILL=point)
            expect(ended.status == -signal.SIGKILL, f"{point} was not reached: {ended.status}: {ended.output}")
        said = matrix.must(*resolve)
        # What a killed one had begun may still be at its end.
        deadline = time.monotonic() + 10
        while (found := self.resolved()) and time.monotonic() < deadline:
            time.sleep(0.3)
        found += oracle.faults_of_journal(matrix)
        return [*found, said] if found else []

    def faults(self, version):
        if version == "v2":
            return self.resolved()
        now, rest = self.state(), lambda text: "#backout-paused " + text
        wanted = {self.pulls.split("\n")[1]: rest(self.pulls.split("\n")[1]), "*/7": rest("*/7"), "running always": "paused no"}
        expected = self.found["machine"]
        for old, new in wanted.items():
            expected = expected.replace(old, new)
        found = [] if self.bare(now["machine"]) == self.bare(expected) else [f"the machine is {now['machine']!r}, not {expected!r}"]
        if self.must("systemctl is-active shop-job.timer").strip() != "active":
            found.append("the timer of the site's own jobs does not run")
        if "ActiveState=inactive" not in self.inside("systemctl show -p ActiveState shop-pull.timer")[1]:
            found.append("shop-pull.timer goes on")
        if "automated" in now["argo"]["syncPolicy"] or not now["flux"].get("suspend"):
            found.append(f"Argo CD or Flux go on: {now}")
        return found

    @staticmethod
    def bare(text):
        """Without what a pause keeps (the saved copy, the timer's drop-in), and without the newline that a file ended without."""
        lines, saved = [], False
        for line in text.split("\n"):
            if line.startswith(("/etc/cron.d/", "of ")):
                saved = "backout-saved" in line
            if line and not saved and not any(word in line for word in ("State=", "DropInPaths", "systemd/system", "90-backout")):
                lines.append(line)
        return lines


class Liars(Pauses):
    """The same, not killed: each tool alone says once that it did what it did not."""
    spread = 0
    liars = {"systemctl of the timer that deploys": ("systemctl", "stop*shop-pull*"),
             "systemctl of the site's own timer": ("systemctl", "stop*shop-job*"),
             "crontab": ("crontab", "-u\\ games\\ [!-]*|-u\\ games\\ -"), "docker": ("docker", "update*|pause*"),
             "kubectl": ("kubectl", "*patch*"), "mv of the site's own crontab": ("mv", "*/crontabs/backup*")}

    def more(self):
        return {f"{name} lies": lambda matrix, lie=lie: self.lies(matrix, *lie) for name, lie in self.liars.items()}

    def lies(self, matrix, tool, words):
        matrix.put_back()
        (self.directory / "lies").mkdir(exist_ok=True)
        real = self.must(f"command -v {tool}").strip()
        script = self.directory / "lies" / tool
        script.write_text(f"#!/bin/sh\ncase $* in {words}) echo \"$*\" >>{script}.told; exit 0;; esac\nexec {real} \"$@\"\n")
        script.chmod(0o755)
        status, said = self.run("rollback", "--yes", "--reason", "it is broken", path=f"{script.parent}:{PATH}")
        script.unlink()
        found = [] if status in (1, 5) and "Rolled back and verified" not in said else [f"the rollback ended in {status}: {said}"]
        told = Path(f"{script}.told")
        found += [] if told.exists() else [f"nobody asked it: {said}"]
        told.unlink(missing_ok=True)
        return [*found, *matrix.faults("v2")]


STACKS = {"handover": Handover, "ansible": Ansible, "pauses": Pauses, "liars": Liars}
