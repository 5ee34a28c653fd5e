#!/usr/bin/python3
"""How long it takes until nginx's traffic is in the other pool, under load, and known to be. One JSON row per line.

    bench/traffic_bench.py [NAME...]        nginx_switch

Measured is `backout rollback` from its start to its end, looks included: the pool before, nginx's workers, and the answers in front.
Its peer does by hand what it cannot do without: writes the file, `nginx -t`, reload, and asks in front until five answers in a row
are of the other pool. Both under wrk, in turn.
"""
import json
import os
import shutil
import signal
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
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "9"))
NGINX = "/usr/sbin/nginx"
SETTLED = 0.3  # seconds until nginx has let go of the workers of the switch before, which neither side is to wait for

FRONT = """worker_processes 2; pid @DIR@/nginx.pid; error_log @DIR@/error.log;
events { worker_connections 1024; }
http { access_log off;
 client_body_temp_path @DIR@/t1; proxy_temp_path @DIR@/t2; fastcgi_temp_path @DIR@/t3; uwsgi_temp_path @DIR@/t4; scgi_temp_path @DIR@/t5;
 upstream app { include @DIR@/pool.conf; keepalive 16; }
 server { listen 127.0.0.1:@FRONT@; location / { proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; } }
 server { listen 127.0.0.1:@BLUE@; location / { return 200 "v1\\n"; } }
 server { listen 127.0.0.1:@GREEN@; location / { return 200 "v2\\n"; } } }
"""
SITE = """site: bench
state: @DIR@/state
hosts: {local: {root: @DIR@/target}}
public_url: http://127.0.0.1:@FRONT@
traffic:
  nginx:
    include: @DIR@/pool.conf
    test: [@NGINX@, -q, -t, -c, @DIR@/nginx.conf]
    reload: [@NGINX@, -s, reload, -c, @DIR@/nginx.conf]
    dump: [@NGINX@, -q, -T, -c, @DIR@/nginx.conf]
  pools:
    blue: {urls: ["http://127.0.0.1:@BLUE@"]}
    green: {urls: ["http://127.0.0.1:@GREEN@"]}
"""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def asked(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/version", timeout=2) as answer:
            return answer.read().decode().strip()
    except OSError:
        return ""


class Front:
    def __init__(self, directory):
        self.directory = Path(directory)
        self.words = {"DIR": directory, "NGINX": NGINX, "FRONT": free_port(), "BLUE": free_port(), "GREEN": free_port()}
        self.put("nginx.conf", FRONT)
        self.put("backout.yaml", SITE)
        self.put("pool.conf", "server 127.0.0.1:@GREEN@;\n")
        self.nginx = subprocess.Popen([NGINX, "-c", self.directory / "nginx.conf", "-g", "daemon off;"])
        self.until("v2")

    def put(self, name, text):
        for word, value in self.words.items():
            text = text.replace(f"@{word}@", str(value))
        (self.directory / f"{name}.new").write_text(text)
        os.rename(self.directory / f"{name}.new", self.directory / name)

    def until(self, version):
        in_a_row, limit = 0, time.monotonic() + 20
        while in_a_row < 5:
            in_a_row = in_a_row + 1 if asked(self.words["FRONT"]) == version else 0
            if time.monotonic() > limit:
                raise SystemExit(f"{version} does not serve")

    def by_hand(self, pool, version):
        began = time.perf_counter()
        self.put("pool.conf", f"server 127.0.0.1:@{pool}@;\n")
        subprocess.run([NGINX, "-q", "-t", "-c", self.directory / "nginx.conf"], check=True)
        subprocess.run([NGINX, "-s", "reload", "-c", self.directory / "nginx.conf"], check=True)
        self.until(version)
        return time.perf_counter() - began

    def backout(self, *words):
        began = time.perf_counter()
        done = subprocess.run([BACKOUT, "-f", str(self.directory / "backout.yaml"), *words], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"backout {' '.join(words)}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
        return time.perf_counter() - began

    def down(self):
        self.nginx.send_signal(signal.SIGTERM)
        self.nginx.wait()


def nginx_switch(directory):
    front = Front(directory)
    wrk = subprocess.Popen(["wrk", "-t1", "-c20", "-d600s", f"http://127.0.0.1:{front.words['FRONT']}/"], stdout=subprocess.DEVNULL)
    try:
        front.backout("record", "v1")
        front.backout("good", "v1")
        ours, bare = [], []
        for _ in range(ROUNDS):
            front.by_hand("GREEN", "v2")
            front.backout("record", "v2")
            time.sleep(SETTLED)
            ours.append(front.backout("rollback", "v1", "--yes", "--reason", "bench"))
            front.by_hand("GREEN", "v2")
            time.sleep(SETTLED)
            bare.append(front.by_hand("BLUE", "v1"))
    finally:
        wrk.kill()
        wrk.wait()
        front.down()
    ours, bare = statistics.median(ours), statistics.median(bare)
    print(json.dumps({"name": "nginx_switch", "value": ours, "unit": "s", "peer": "bare", "peer_value": bare, "ratio": bare / ours}),
          flush=True)


def main():
    directory = tempfile.mkdtemp(prefix="bench-traffic-")
    os.chmod(directory, 0o755)
    try:
        if len(sys.argv) == 1 or "nginx_switch" in sys.argv[1:]:
            nginx_switch(directory)
    finally:
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
