"""A real registry around a switch of containers: an image of the way back is not here any more. What ran is pulled, by its digest; where
it cannot be, `ready` says so beforehand, and the run ends before anything was changed. Credentials stay with docker."""
import base64
import crypt
import os
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from compose_faults import Shop
from place import expect
from ports import free_port

PASSWORD = "k0rrekt-Pferd"
CONFIG = """version: 0.1
log: {{level: error}}
storage: {{filesystem: {{rootdirectory: {directory}/store}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""
AUTH = "auth: {{htpasswd: {{realm: shop, path: {directory}/users}}}}\n"


class Registry:
    """docker-registry with a directory of its own, at a port that stays the same; or something that only says it is one."""

    def __init__(self, place):
        self.place, self.directory, self.port = place, place.directory / "registry", free_port()
        self.directory.mkdir()
        (self.directory / "users").write_text(f"team:{crypt.crypt(PASSWORD, crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16))}\n")
        self.child = self.server = None
        place.at_end(self.stop)

    def start(self, auth=False):
        self.stop()
        config = self.directory / "config.yml"
        config.write_text((CONFIG + (AUTH if auth else "")).format(directory=self.directory, port=self.port))
        with open(self.directory / "log", "ab") as log:
            self.child = subprocess.Popen(["docker-registry", "serve", str(config)], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                          start_new_session=True)
        url = f"http://127.0.0.1:{self.port}/v2/"
        self.place.wait("the registry answers", lambda: self.place.get(url)[0] == (401 if auth else 200))

    def lie(self, status, seconds=0):
        """Whatever is asked is answered by that status, after so long."""
        self.stop()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                time.sleep(seconds)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_HEAD = do_GET

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads, self.server.block_on_close = True, False
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        if self.child:
            self.child.terminate()
            self.child.wait(20)
        if self.server:
            self.server.shutdown()
            self.server.server_close()
        self.child = self.server = None


def registry(place, docker):
    own, words = Registry(place), []
    own.start()
    image = f"127.0.0.1:{own.port}/far"
    for version in ("v0", "v1", "v2"):  # not the images of the example, which runs beside
        place.sh(f"cp -r v1 far && echo far-{version} >far/www/version && ./image.sh {image}:{version} far && rm -r far", quiet=True)
        place.sh(f"docker push -q {image}:{version}", quiet=True)
    ids = {version: docker.ask("image", "inspect", "-f", "{{.Id}}", f"{image}:{version}") for version in ("v0", "v1", "v2")}
    docker.ask("rmi", f"{image}:v0")
    shop = Shop(place, docker, "far", image, place.directory / "far")
    bad = shop.state()

    def forget(version):
        place.sh(f"docker ps -aq --filter ancestor={ids[version]} | xargs -r docker rm -f; docker rmi -f {ids[version]}", quiet=True)
        expect(docker.ask("image", "inspect", ids[version]) is None, "the image is still here")

    def runs(version):
        expect({each[2] for each in shop.state()[0]} == {ids[version]}, f"the containers do not run what {version} was")

    def cannot(what, *why):
        """Red beforehand, with the reason; and the run ends before anything was changed."""
        began = time.monotonic()
        ready = shop.backout("ready", "--prove", ends=(3,))
        # Without TLS, docker does not tell that a registry answers 500: it cannot be reached then.
        expect("cannot be pulled" in ready and any(one in ready for one in (*why, "error pinging")),
               f"{what}: `ready` does not tell why the image cannot be had")
        expect("does not hear SIGTERM" not in ready, "an init hears it")
        status, said = shop.roll_back(ends=(1, 3))
        expect("cannot be pulled" in said and any(one in said for one in why), f"{what}: it is not said why it ended")
        expect(shop.state() == bad, f"{what}: exit status {status}, and something was changed")
        words.append(f"{what}: exit status {status}, {time.monotonic() - began:.0f} s with `ready`")

    forget("v1")
    own.stop()
    cannot("registry gone", "refused")
    own.lie(500)
    cannot("registry answers 500", "500")
    own.lie(200, seconds=120)
    cannot("registry hangs", "imeout", "exceeded", "no answer", "canceled")
    own.start(auth=True)
    cannot("registry wants credentials", "wants another login", "no basic auth credentials")
    # Its tag means another image by now: what ran is pulled by its digest, with docker's own credentials.
    docker_login(place, own)
    place.sh(f"docker tag {image}:v2 {image}:v1 && docker push -q {image}:v1 && docker rmi {image}:v1", quiet=True)
    with Arguments() as arguments:
        ready = shop.backout("ready", "--prove", ends=(0, 3))
        expect("must be pulled" in ready and "cannot be pulled" not in ready, "`ready` does not tell that the image can be had")
        shop.roll_back(ends=(0,))
    runs("v1")
    shop.backout("verify")
    quiet_about_credentials(place, shop, arguments)
    # It is here now: no registry is needed.
    own.stop()
    shop.again("v2")
    shop.roll_back(ends=(0,))
    runs("v1")
    # By its tag alone, for nothing was seen of it while it ran: `record` does not note what runs as if it were v0.
    own.start(auth=True)
    shop.again("v2")
    said = shop.backout("record", "v0")
    expect("its images are not noted" in said and "v0" in said, "`record` of what does not run")
    shop.backout("checkpoint", ends=(1, 3))
    shop.backout("good", "v0")
    shop.backout("record", "v2")
    shop.backout("rollback", "v0", "--yes", "--reason", "older still")
    runs("v0")
    shop.backout("verify")
    # Recorded while it ran: then its digest is known without a checkpoint, and the tag may move.
    shop.backout("record", "v0")
    shop.backout("good", "v0")
    shop.up("v2", "goodbye")
    shop.backout("record", "v2")
    forget("v0")
    place.sh(f"docker tag {image}:v2 {image}:v0 && docker push -q {image}:v0 && docker rmi {image}:v0", quiet=True)
    shop.backout("rollback", "v0", "--yes", "--reason", "v0 as it was recorded")
    runs("v0")
    own.stop()
    shop.down()
    return words


def docker_login(place, own):
    subprocess.run(["docker", "login", "-u", "team", "--password-stdin", f"127.0.0.1:{own.port}"], input=PASSWORD, text=True,
                   env=place.environment, capture_output=True, check=True)


class Arguments:
    """What every process was called with meanwhile, as far as a look each 10 ms sees it."""

    def __enter__(self):
        self.seen, self._over = set(), threading.Event()
        self._looks = threading.Thread(target=self._look)
        self._looks.start()
        return self

    def _look(self):
        while not self._over.wait(0.01):
            for entry in os.listdir("/proc"):
                try:
                    if entry.isdigit():
                        self.seen.add((Path("/proc") / entry / "cmdline").read_bytes())
                except OSError:
                    continue

    def __exit__(self, *_):
        self._over.set()
        self._looks.join()


def quiet_about_credentials(place, shop, arguments):
    secrets = [PASSWORD.encode(), base64.b64encode(f"team:{PASSWORD}".encode())]
    expect(any(b"manifest" in one for one in arguments.seen), "the looks at processes saw nothing")
    for where, kept in (("arguments", arguments.seen), ("output", [one.encode() for one in place.told()]),
                        *((str(path), [path.read_bytes()]) for name in ("state", "target", "far") for path in
                          (place.directory / name).rglob("*") if path.is_file())):
        expect(not any(secret in one for secret in secrets for one in kept), f"credentials stand in {where}")
