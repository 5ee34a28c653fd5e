"""Faults around a switch of containers: the disk is full; and the project that compose_registry.py plays with, too. Wholly old, wholly
new, or Unknown with what to look at."""
import json
import os
import re
import subprocess
from pathlib import Path

from place import expect

PROJECT = """version: "3.7"
services:
  web: {{image: "{image}:${{TAG}}", init: true, restart: unless-stopped, env_file: [web.env]}}
  worker: {{image: "{image}:${{TAG}}", init: true, restart: unless-stopped, command: [/bin/sleep, "1000000"]}}
"""
SITE = """site: {name}
code: {{layout: compose, path: {path}, config: [{path}/web.env], compose: {{project: {name}, tag: TAG, steady: 500ms, startup: 10s}}}}
checks: [{{run: "true", name: there}}]
"""


class Shop:
    """A project of its own beside the example's, with v1 known to be good and v2 running."""

    def __init__(self, place, docker, name, image, directory, state=None):
        self.place, self.docker, self.name, self.image, self.path = place, docker, name, image, Path(directory)
        self.environment = {**place.environment, **({"BACKOUT_STATE": str(state)} if state else {})}
        self.path.mkdir(exist_ok=True)
        self.path.chmod(0o755)
        (self.path / "docker-compose.yml").write_text(PROJECT.format(image=image))
        (self.path / "backout.yaml").write_text(SITE.format(name=name, path=self.path))
        self.up("v1", "hello")
        self.backout("record", "v1")
        self.backout("good", "v1")
        self.deploy("v2")

    def again(self, version):
        self.backout("resolve", version, "--cause", "it says goodbye", "--fix", "it shall", "--missed", "nobody", "--prevent", "a test")
        self.deploy(version)

    def deploy(self, version):
        self.backout("deploy", "--version", version, "--", "sh", "-c",
                     f"echo TAG={version} >.env; echo GREETING=goodbye >web.env; {self.docker.compose} -p {self.name} up -d")

    def up(self, version, greeting):
        (self.path / ".env").write_text(f"TAG={version}\n")
        (self.path / "web.env").write_text(f"GREETING={greeting}\n")
        self.place.sh(f"{self.docker.compose} -p {self.name} up -d", cwd=self.path)

    def backout(self, *words, ends=(0,), **more):
        return self.place.backout("-f", self.path / "backout.yaml", *words, ends=ends, cwd=self.path, env=self.environment, **more)

    def roll_back(self, ends):
        """Its exit status, and what it said."""
        said = self.backout("rollback", "--yes", "--reason", "v2 says goodbye", ends=ends)
        return int(re.findall(r"-> (\d+), ", self.place.told()[-1])[0]), said

    def state(self):
        """What runs, by container: image and greeting; and what the files say."""
        runs = set()
        for service in ("web", "worker"):
            for one in self.docker.ask("ps", "-q", "--filter", f"label=com.docker.compose.project={self.name}", "--filter",
                                       f"label=com.docker.compose.service={service}").split():
                seen = json.loads(self.docker.ask("inspect", one))[0]
                greeting = next((line for line in seen["Config"]["Env"] or [] if line.startswith("GREETING=")), "")
                runs.add((service, seen["Config"]["Image"], seen["Image"], greeting))
        files = tuple((self.path / name).read_text() for name in (".env", "web.env"))
        return frozenset(runs), files

    def down(self):
        self.place.sh(f"docker ps -aq --filter label=com.docker.compose.project={self.name} | xargs -r docker rm -f -v", quiet=True)


def small_disk(place, name, size):
    directory = place.directory / name
    directory.mkdir()
    place.sh(["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", str(directory)], quiet=True)
    place.at_end(lambda: place.sh(["umount", "-l", str(directory)], quiet=True))
    return directory


def fill(directory, blocks):
    """Until `blocks` of 4096 bytes are left; the file that does it."""
    filler = directory / "filler"
    with open(filler, "wb", buffering=0) as out:
        try:
            while out.write(b"x" * 4096):
                pass
        except OSError:
            pass
    os.truncate(filler, max(filler.stat().st_size // 4096 - blocks, 0) * 4096)
    return filler


def disk_full(place, docker):
    """The project, with what is saved of it, on a file system that has less and less room left; then the journal on one."""
    small = small_disk(place, "small", "2m")
    words = [f"disk full: exit statuses {until_it_fits(place, Shop(place, docker, 'small', 'shop', small), small, (0, 2, 4, 6, 8))}"]
    state = small_disk(place, "journal", "40m")
    shop = Shop(place, docker, "noted", "shop", place.directory / "noted", state / "state")
    return [*words, f"journal's disk full: exit statuses {until_it_fits(place, shop, state, (0, 1, 8))}"]


def until_it_fits(place, shop, disk, blocks):
    """Rolled back with so many blocks free, for none, some or all of what has to be written; the exit statuses."""
    bad, ended = shop.state(), []
    for free in blocks:
        filler = fill(disk, free)
        status, said = shop.roll_back(ends=(0, 1, 3, 4, 5))
        filler.unlink()
        if status in (4, 5):  # then it says what to look at, and goes on when there is room
            expect("resume" in said, "neither done nor put back, and no word of what to do")
            shop.backout("resume", ends=(0, 1))
        ended.append(status)
        if shop.state() != bad:
            break
        expect(status != 0, "it ended in 0, and what was bad runs as before")
    if shop.state() == bad:
        shop.roll_back(ends=(0,))
    runs, files = shop.state()
    expect(files == ("TAG=v1\n", "GREETING=hello\n"), "the files are not those of v1, and not those of v2")
    expect({(service, image, greeting) for service, image, _, greeting in runs} ==
           {("web", "shop:v1", "GREETING=hello"), ("worker", "shop:v1", "")}, "the containers are neither v1's nor v2's")
    shop.down()
    return ended
