"""One site with a front door, customers and a fault that can be switched: its own directory, its own ports, nothing left behind."""
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "crash"))
import processes  # noqa: E402
from slot import free_port  # noqa: E402

NGINX = "/usr/sbin/nginx"
LIMIT = 120


class Stand:
    """v1 serves and is known-good. v2 is what a test makes of it."""

    def __init__(self, directory, backout, more):
        self.root = Path(directory).resolve()
        self.backout = os.path.abspath(backout)
        self.words = {"ROOT": self.root, "PORT": free_port(), "DOOR": free_port(), "SPARE": free_port(), "OTHER": free_port(),
                      "HOOK": free_port()}
        self.environment = {**{name: value for name, value in os.environ.items() if not name.startswith("BACKOUT_")},
                            processes.MARK: str(self.root), "BACKOUT_ACTOR": "tester", "BACKOUT_TARGET": str(self.root / "target"),
                            "LC_ALL": "C.UTF-8", "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}
        for version in ("v1", "v2", "v3"):
            self.put(f"app/releases/{version}/VERSION", version)
            shutil.copy(HERE / "site" / "server.py", self.root / "app" / "releases" / version)
        (self.root / "app" / "current").symlink_to("releases/v1")
        self.put("nginx/nginx.conf", (HERE / "site" / "nginx.conf").read_text())
        self.put("backout.yaml", (HERE / "site" / "backout.yaml").read_text().replace("@MORE@", more))
        self.put("deploy.sh", DEPLOY)
        self.nginx = None

    def filled(self, text):
        for word, value in self.words.items():
            text = text.replace(f"@{word}@", str(value))
        return text

    def put(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.filled(text))
        return path

    def fault(self, version, share):
        """So many of its answers fail from now on: one write, one rename."""
        directory = self.root / "app" / "releases" / version
        (directory / "FAULT.new").write_text(str(share))
        os.rename(directory / "FAULT.new", directory / "FAULT")

    def build(self):
        (self.root / "nginx").chmod(0o755)
        self.nginx = subprocess.Popen([NGINX, "-c", self.root / "nginx" / "nginx.conf", "-g", "daemon off;"], env=self.environment,
                                      stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                      stderr=open(self.root / "nginx" / "out", "wb"))
        web = self.start_server()
        self.must("record", "v1")
        self.must("good", "v1")
        return web

    def start_server(self):
        subprocess.run(["sh", self.root / "deploy.sh", "v1"], env=self.environment, check=True, stdin=subprocess.DEVNULL,
                       capture_output=True, timeout=30)
        self.wait_for(self.words["DOOR"])

    def wait_for(self, port, path="/version"):
        deadline = time.monotonic() + 20
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2) as answer:
                    return answer.read().decode()
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def run(self, *arguments, limit=LIMIT):
        return subprocess.run([self.backout, "-f", str(self.root / "backout.yaml"), *arguments], cwd=self.root, env=self.environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=limit, check=False)

    def must(self, *arguments):
        ended = self.run(*arguments)
        if ended.returncode != 0:
            raise AssertionError(f"backout {' '.join(arguments)}: exit status {ended.returncode}\n{ended.stdout}{ended.stderr}")
        return ended.stdout

    def deploy(self, version, limit=LIMIT):
        return self.run("deploy", "--version", version, "--", "sh", str(self.root / "deploy.sh"), version, limit=limit)

    def json(self, *arguments):
        """(exit status, the answer)"""
        ended = self.run("-o", "json", *arguments)
        try:
            return ended.returncode, json.loads(ended.stdout)
        except ValueError as error:
            raise AssertionError(f"backout {' '.join(arguments)}: exit status {ended.returncode}, no JSON\n"
                                 f"{ended.stdout}{ended.stderr}") from error

    def events(self, kind):
        _, log = self.json("log")
        return [event for event in log["events"] if event["type"] == kind]

    def serves(self):
        return self.wait_for(self.words["DOOR"])

    def down(self):
        processes.end_all(self.root)
        if self.nginx:
            self.nginx.wait()


DEPLOY = """set -eu
ln -sfn "releases/$1" "@ROOT@/app/new"
mv -T "@ROOT@/app/new" "@ROOT@/app/current"
if [ -f "@ROOT@/web.pid" ]; then
  read -r pid rest <"@ROOT@/web.pid"
  kill "$pid" 2>"@ROOT@/kill.log" || true
  while kill -0 "$pid" 2>"@ROOT@/kill.log" && ! grep -q '^State:.Z' "/proc/$pid/status"; do sleep 0.02; done
fi
cd "@ROOT@/app/current"
PORT=@PORT@ setsid /usr/bin/python3 -B server.py </dev/null >>"@ROOT@/web.log" 2>&1 &
echo $! >"@ROOT@/web.pid"
tries=0
until curl -sf "http://127.0.0.1:@PORT@/version" >"@ROOT@/version"; do
  [ $((tries += 1)) -lt 400 ] || exit 1
  sleep 0.02
done
"""
