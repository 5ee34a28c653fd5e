"""Faults around a switch of containers: the disk is full, the registry is gone. Wholly old, wholly new, or Unknown with what to look at."""
import hashlib
import json
import os
import re
import subprocess
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from place import expect

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"

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
        self.backout("deploy", "--version", "v2", "--", "sh", "-c",
                     f"echo TAG=v2 >.env; echo GREETING=goodbye >web.env; docker-compose -p {name} up -d")

    def up(self, version, greeting):
        (self.path / ".env").write_text(f"TAG={version}\n")
        (self.path / "web.env").write_text(f"GREETING={greeting}\n")
        self.place.sh(f"docker-compose -p {self.name} up -d", cwd=self.path)

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


class Registry:
    """Gives images away, by tag and by digest, as the distribution API has it; they are taken from `docker save`."""

    def __init__(self, docker, directory):
        self.blobs, self.tags, self.docker, self.directory = {}, {}, docker, Path(directory)
        self.server = self.thread = None
        self.port = 0

    def add(self, name, tag, image):
        file = self.directory / f"{tag}.tar"
        self.docker.ask("save", "-o", str(file), image)
        with tarfile.open(file) as saved:
            one = json.load(saved.extractfile("manifest.json"))[0]
            config = self.blob(saved.extractfile(one["Config"]).read())
            layers = [self.blob(saved.extractfile(layer).read()) for layer in one["Layers"]]
        file.unlink()
        sized = [{"mediaType": "application/vnd.docker.image.rootfs.diff.tar", "size": len(self.blobs[each]), "digest": each}
                 for each in layers]
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "layers": sized,
                    "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": len(self.blobs[config]),
                               "digest": config}}
        self.tags[f"{name}:{tag}"] = self.blob(json.dumps(manifest).encode())

    def blob(self, data):
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        self.blobs[digest] = data
        return digest

    def start(self):
        registry = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                found = re.fullmatch(r"/v2/(?:([a-z]+)/(manifests|blobs)/(.+))?", self.path)
                name, kind, what = found.groups() if found else (None, None, None)
                data = registry.blobs.get(registry.tags.get(f"{name}:{what}", what))
                if found and not kind:
                    data = b"{}"
                self.send_response(200 if data else 404)
                if kind == "manifests" and data:
                    self.send_header("Docker-Content-Digest", f"sha256:{hashlib.sha256(data).hexdigest()}")
                self.send_header("Content-Type", MANIFEST if kind == "manifests" else "application/octet-stream")
                self.send_header("Content-Length", str(len(data or b"")))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(data or b"")

            do_HEAD = do_GET

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def registry_gone(place, docker):
    """The image of the way back is here no more, and its registry does not answer: said beforehand, and nothing is changed."""
    registry = Registry(docker, place.directory)
    for version in ("v1", "v2"):  # not the images of the example, which runs beside
        place.sh(f"./image.sh far:{version} {version}", quiet=True)
        registry.add("far", version, f"far:{version}")
        docker.ask("rmi", f"far:{version}")
    registry.start()
    image = f"127.0.0.1:{registry.port}/far"
    place.sh(f"docker pull -q {image}:v1 && docker pull -q {image}:v2")
    shop = Shop(place, docker, "far", image, place.directory / "far")
    bad, v1 = shop.state(), docker.ask("image", "inspect", "-f", "{{.Id}}", f"{image}:v1")
    place.sh(f"docker ps -aq --filter ancestor={v1} | xargs -r docker rm -f; docker rmi -f {v1}")
    registry.stop()
    ready = shop.backout("ready", "--prove", ends=(0, 3))
    expect("must be pulled" in ready or "cannot be pulled" in ready, "`ready` does not tell that the image is gone")
    status, said = shop.roll_back(ends=(1, 3))
    expect("cannot be pulled" in said, "it is not said what is missing")
    expect(shop.state() == bad, f"exit status {status}, and something was changed")
    registry.start()
    # Its tag means another image by now: what ran is pulled by its digest.
    registry.tags["far:v1"] = registry.tags["far:v2"]
    shop.roll_back(ends=(0,))
    runs, _ = shop.state()
    expect({each[2] for each in runs} == {v1}, "the containers do not run what v1 was")
    shop.backout("verify")
    registry.stop()
    shop.down()
    return [f"registry gone: exit status {status}, then pulled by digest"]
