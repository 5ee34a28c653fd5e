"""Stacks of the crash matrix whose steps take a while: traffic that is shifted gradually, and a search index that is built anew."""
import os
import shutil
import signal
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "examples"), str(HERE.parent / "support")]
import canary_haproxy  # noqa: E402
from crowd import Crowd  # noqa: E402
from place import expect  # noqa: E402
from ports import free_port  # noqa: E402
from stack_kinds import Haproxy  # noqa: E402

# v1 of the shop, which a test can spoil while it runs.
SHOP = """from pathlib import Path
bad = Path(__file__).with_name("bad")
def price(product):
    if product % 2 and bad.exists():
        raise ArithmeticError("no price")
    return 5 + product % 95
"""


class Steps(Haproxy):
    """HAProxy again, in steps: 30 %, 60 %, all of it, each judged by the access log of a crowd."""
    spread = 4

    def __init__(self, place):
        self.samples, self.least, self.way, self.crowd = [], 0, "", None
        super().__init__(place)
        config = place.site / "backout.yaml"
        config.write_text(config.read_text().replace("  health: /health\n", "  health: /health\n  steps: [30, 60]\n  hold: 2s\n"))
        (place.site / "v1" / "shop.py").write_text(SHOP)
        self.bad = place.site / "v1" / "bad"
        place.sh("rm run/stable && ./canary.sh v1", quiet=True)  # with that code
        place.wait("v1 serves", lambda: self.serves() == {"v1"})
        self.crowd_comes()
        place.at_end(self.crowd_goes)
        over = threading.Event()
        sampler = threading.Thread(target=self.sample, args=(over,), daemon=True)
        place.at_end(lambda: (over.set(), sampler.join()))
        sampler.start()

    def crowd_comes(self):
        self.crowd = Crowd(canary_haproxy.FRONT, rate=80)
        self.crowd.__enter__()

    def crowd_goes(self):
        if self.crowd:
            self.crowd.__exit__()
            self.crowd = None

    def sample(self, over):
        """v1's percentage, whenever it is another one: by HAProxy's own word, all the time."""
        while not over.wait(0.03):
            try:
                weights = canary_haproxy.weights(self.place)
            except OSError:
                continue
            share = {pool: weight if admin == 0 else 0 for pool, (weight, admin) in weights.items()}
            if total := sum(share.values()):
                now = round(100 * share["blue"] / total)
                if not self.samples or self.samples[-1] != now:
                    self.samples.append(now)

    def goes(self, way):
        self.way = way
        time.sleep(0.1)
        self.samples = self.samples[-1:]

    def faults(self, version):
        """What resume goes on from, it never takes back; and an abort gives v1 nothing more."""
        found, seen = super().faults(version), list(self.samples)
        if self.way == "resume" and version == "v1" and seen != sorted(seen):
            found.append(f"resume went from what was there: v1 had {seen} %")
        if self.way == "abort" and seen != sorted(seen, reverse=True):
            found.append(f"abort gave v1 more traffic: {seen} %")
        return found

    def more(self):
        return {"v1 goes bad while nobody looks": lambda matrix: self.spoiled(matrix, self.bad.touch, "votes bad"),
                "nobody is there any more": lambda matrix: self.spoiled(matrix, self.crowd_goes, "no data is never good")}

    def spoiled(self, matrix, spoil, words):
        """Killed behind the first step. What comes then is against v1: it must not get a share more, and loses what it has."""
        matrix.put_back()
        self.goes("")
        before = canary_haproxy.weights(self.place)
        matrix.killed("command:1:after")
        expect(self.samples[-1] == 30, f"the first step is not there: {self.samples} %")
        try:
            spoil()
            ended = matrix.run("resume")
        finally:
            self.bad.unlink(missing_ok=True)
            if not self.crowd:
                self.crowd_comes()
        self.place.wait("the old weights are seen", lambda: self.samples[-1] == 0)
        found = [] if ended.status == 1 and words in ended.output else [f"resume ended in {ended.status}:\n{ended.output}"]
        if max(self.samples) > 30:
            found.append(f"v1 had {self.samples} % without the votes")
        if (now := canary_haproxy.weights(self.place)) != before:
            found.append(f"the weights were {before} and are {now}")
        return [*found, *matrix.faults("v2")]


# In place, as many do it, and with its progress; one that is cut off leaves a part.
REBUILD = """#!/bin/sh
cd {site}
echo "start $$" >>trace
cat current/VERSION >index
for type in post course; do for row in 1 2 3 4 5 6; do sleep 0.1; echo "$type $row" >>index; done; echo "$type: done"; done
echo "end $$" >>trace
"""


def parent(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def above_us():
    """Who gets orphans is among them."""
    found = [os.getpid()]
    while found[-1]:
        found.append(parent(found[-1]) if found[-1] > 1 else 0)
    return found


class Search:
    """Pages behind an nginx with its door, a queue, and an index that is built anew while the door is closed."""
    needs, spread = ("nginx",), 6

    def __init__(self, place):
        self.place, self.site, self.front, self.back = place, place.site, free_port(), free_port()
        for version in ("v1", "v2"):
            (self.site / "releases" / version).mkdir(parents=True)
            (self.site / "releases" / version / "VERSION").write_text(version + "\n")
        for name in ("run", "queue"):
            (self.site / name).mkdir()
        (self.site / "current").symlink_to("releases/v1")
        nginx = f"nginx -p {self.site} -c {self.site}/nginx.conf -e {self.site}/run/error.log"
        temporary = "".join(f" {kind}_temp_path run/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        files = {
            "nginx.conf": f"worker_processes 1; pid run/pid;\nevents {{ worker_connections 99; }}\nhttp {{ access_log off;{temporary}\n"
                          f"server {{ listen 127.0.0.1:{self.back}; root {self.site}/current; index VERSION; }}\n"
                          f"server {{ listen 127.0.0.1:{self.front}; include door.conf;\n"
                          f"location / {{ proxy_pass http://127.0.0.1:{self.back}; }} }} }}\n",
            "door.conf": "", "trace": "", "run/app.log": "it begins\n", "rebuild.sh": REBUILD.format(site=self.site),
            "backout.yaml": f"""\
site: shop
environment: production
base_url: http://127.0.0.1:{self.back}
public_url: http://127.0.0.1:{self.front}
code: {{layout: releases, path: {self.site}}}
door:
  nginx: {{include: {self.site}/door.conf, test: {nginx} -q -t, reload: {nginx} -s reload}}
leftovers:
  - {{directory: {self.site}/queue, rule: park}}
search:
  rebuild: sh {self.site}/rebuild.sh
  built: stat -c '%i %y' {self.site}/index
  queries:
    - {{type: post, run: grep -c post {self.site}/index}}
    - {{type: course, run: grep -c course {self.site}/index}}
checks:
  - /VERSION 200
  - {{log: {self.site}/run/app.log}}
  - {{resources: {{memory: "<=100%"}}}}
watch: {{first: 0s}}
"""}
        for name, text in files.items():
            (self.site / name).write_text(text)
        os.chmod(place.directory, 0o755)
        place.start([shutil.which("nginx"), *nginx.split()[1:], "-g", "daemon off;"])
        self.bring("v1")

    def bring(self, version):
        self.place.sh(f"ln -sfn releases/{version} next && mv -T next current && sh rebuild.sh && "
                      f"rm -rf queue && mkdir queue && echo {version} >queue/job", quiet=True)
        self.place.wait(f"{version} serves", lambda: self.serves() == {version})

    def serves(self):
        return {self.place.get(f"http://127.0.0.1:{self.front}/VERSION")[1].strip()}

    def goes(self, way):
        self.way = way

    def faults(self, version):
        lines, rows = (self.site / "index").read_text().splitlines(), [f"{kind} {row}" for kind in ("post", "course") for row in range(1, 7)]
        found = [] if lines == [version, *rows] else [f"the index is not that of {version}, or not whole: {lines}"]
        if version == "v2" and lines[:1] == ["v1"] and self.way in ("resume", "abort"):
            found = []  # a rebuild that was begun has no undo, and the run says so
        running = 0
        for line in (self.site / "trace").read_text().splitlines():
            running += {"start": 1, "end": -1, "cut": -1}[line.split()[0]]
            if running not in (0, 1):
                found.append(f"{running} rebuilds side by side")
        jobs = (self.site / "queue" / "job").exists()
        if jobs != (version == "v2"):
            found.append("the queue is not as it should be")
        return found

    def more(self):
        return {"the rebuild dies with backout": lambda matrix: matrix.case(self.during(matrix), "resume", self.cut),
                "the rebuild dies with backout, then abort": lambda matrix: matrix.case(self.during(matrix), "abort", self.cut),
                "the rebuild alone dies while nobody looks": self.alone}

    @staticmethod
    def during(matrix):
        return f"command:{matrix.steps.index('rebuild-search') + 1}:during"

    def cut(self, with_its_shim=True):
        """As when the machine dies: in the last type, when every query already finds something."""
        index = self.site / "index"
        self.place.wait("the rebuild is in its last type", lambda: index.read_text().startswith("v1\n") and "course 3" in index.read_text())
        pid = int((self.site / "trace").read_text().splitlines()[-1].split()[1])
        line = [pid]
        while with_its_shim and (above := parent(line[-1])) not in above_us():
            line.append(above)
        group = os.getpgid(pid)
        os.killpg(group, signal.SIGSTOP)
        for above in reversed(line[1:]):  # who would write down how it ended, first
            try:
                os.kill(above, signal.SIGKILL)
            except ProcessLookupError:
                pass
        os.killpg(group, signal.SIGKILL)
        with open(self.site / "trace", "a") as trace:
            trace.write(f"cut {pid}\n")

    def alone(self, matrix):
        """What came of it is known, so it is not begun again: everything else is put back, and the index is named."""
        matrix.put_back()
        matrix.killed(self.during(matrix))
        self.cut(with_its_shim=False)
        self.goes("resume")
        ended = matrix.run("resume")
        found = [] if ended.status == 5 and "what has no undo: 'rebuild-search'" in ended.output else [f"{ended.status}: {ended.output}"]
        return [*found, *matrix.faults("v2")]


STACKS = {"steps": Steps, "search": Search}
