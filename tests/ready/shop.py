"""Two machines, one of them behind a real sshd; and what can be taken away from them."""
import os
import shutil
import sqlite3
import subprocess
import time
import urllib.request
from pathlib import Path

import gone
import processes
from gone import Gone, Taken
from slot import free_port
from sshd import Sshd

SITES = 2  # beside each other, each with half of the cases
SERVER = gone.HERE.parent / "crash" / "site" / "server.py"


class Site(gone.Site):
    def __init__(self, base, backout):
        super().__init__(base, backout)
        runtime = self.base.parent / "r"
        runtime.mkdir(mode=0o700)
        self.ssh = Sshd(self.base.parent / "ssh", self.base, free_port())
        self.words.update(PORT=free_port(), DOOR=free_port(), BASE=self.base, SSH=self.ssh.directory)
        self.environment.update(BACKOUT_SSH=self.ssh.command, XDG_RUNTIME_DIR=str(runtime), SHOP_TOKEN="a token",
                                PATH=f"{os.environ['PATH']}:/usr/sbin:/sbin")
        self.supervisord = None

    def build(self):
        for host in ("local", "far"):
            for version, columns in (("v1", "id, customer, note"), ("v2", "id, customer, channel")):
                self.put(f"{host}/releases/{version}/VERSION", version)
                self.put(f"{host}/releases/{version}/COLUMNS", columns)
                shutil.copy(SERVER, self.root / host / "releases" / version)
            (self.root / host / "current").symlink_to("releases/v1")
        self.put("page.html", "<h1>Back soon</h1>\n")
        self.put("warm.sh", "true\n")
        self.put("key", "a key\n")
        self.put("nginx/door.conf", "")
        self.put("nginx/nginx.conf", self.template("nginx.conf"))
        self.put("supervisord.conf", self.template("supervisord.conf"))
        self.put("backout.yaml", self.template("shop.yaml"))
        (self.root / "db").mkdir()
        self.sql("CREATE TABLE orders(id INTEGER PRIMARY KEY, customer TEXT, note TEXT)",
                 "INSERT INTO orders VALUES (1, 'a customer', 'x')",
                 "CREATE TABLE prices(id INTEGER PRIMARY KEY, price REAL)",
                 "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40) "
                 "INSERT INTO prices SELECT i, i FROM n")
        self.start_supervisord()
        self.must("record", "v1")
        self.must("good", "v1")
        self.must("deploy", "--version", "v2", "--", "sh", str(self.put("deploy.sh", DEPLOY)))
        self.must("good", "v2")

    def sql(self, *statements):
        db = sqlite3.connect(self.root / "db" / "data.db", isolation_level=None)
        for statement in statements:
            db.execute(statement)
        db.close()

    def start_supervisord(self):
        with open(self.root / "supervisord.out", "ab") as out:
            self.supervisord = subprocess.Popen(
                ["/usr/bin/supervisord", "-n", "-c", self.root / "supervisord.conf"], cwd=self.root, env=self.environment,
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
        self.wait_until_it_serves()

    def stop_supervisord(self):
        self.supervisord.terminate()
        self.supervisord.wait()

    def wait_until_it_serves(self):
        deadline = time.monotonic() + 20
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.words['PORT']}/version", timeout=2):
                    return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def supervisorctl(self, *words):
        subprocess.run(["supervisorctl", "-c", self.root / "supervisord.conf", *words], check=False, capture_output=True)

    def down(self):
        super().down()
        if self.supervisord:
            self.supervisord.wait()
        self.ssh.stop()


DEPLOY = """set -eu
/usr/bin/python3 - <<'PY'
import sqlite3
db = sqlite3.connect("@ROOT@/db/data.db")
db.execute("ALTER TABLE orders DROP COLUMN note")
db.execute("ALTER TABLE orders ADD COLUMN channel TEXT")
db.commit()
PY
for host in local far; do ln -sfn releases/v2 "@ROOT@/$host/current"; done
supervisorctl -c @ROOT@/supervisord.conf restart web
"""


def away(path):
    """A file or directory is moved away."""
    def take(site):
        there = Path(site.filled(path))
        aside = site.base / "aside"
        os.rename(there, aside)
        return Taken(lambda: os.rename(aside, there))
    return take


def written(path, change):
    """The bytes of a file become others."""
    def take(site):
        file = Path(site.filled(path))
        before = file.read_bytes()
        after = change(before)
        assert after != before
        file.write_bytes(after)
        return Taken(lambda: file.write_bytes(before))
    return take


def seen_as(inside):
    """Only this one backout sees the machine so."""
    return lambda site: Taken(inside=inside)


def read_only(path):
    return seen_as(f"mount --bind {path} {path}; mount -o remount,ro,bind {path}")


def without_program(name):
    def take(site):
        program = os.path.realpath(shutil.which(name, path=site.environment["PATH"]))
        return Taken(inside=f"mount --bind /dev/null {program}")
    return take


def configured(old, new):
    return written("@ROOT@/backout.yaml", lambda text: text.replace(old.encode(), new.encode()))


def copy_of(site):
    """The checkpoint's copy of the database."""
    [copy] = site.root.glob("state/sites/shop/production/checkpoints/*/*.backup.sqlite")
    return copy


def the_copy_is_gone(site):
    return away(str(copy_of(site)))(site)


def its_manifest_is_gone(site):
    [manifest] = site.root.glob("state/sites/shop/production/checkpoints/*/*.backup.manifest.json")
    return away(str(manifest))(site)


def one_byte_of_the_copy_is_another(site):
    return written(str(copy_of(site)), lambda bytes_: bytes_[:5000] + bytes([bytes_[5000] ^ 1]) + bytes_[5001:])(site)


def the_journal_is_damaged(site):
    return written("@ROOT@/state/journal.db", lambda bytes_: bytes_.replace(b"marked by tester", b"marked by nobody"))(site)


def ssh_is_down(site):
    site.ssh.child.kill()
    site.ssh.child.wait()

    def back():
        site.ssh.child = subprocess.Popen(
            ["/usr/sbin/sshd", "-D", "-e", "-f", site.ssh.directory / "sshd_config"], stdin=subprocess.DEVNULL,
            stdout=site.ssh.log, stderr=site.ssh.log, start_new_session=True)
        site.ssh.wait()
    return Taken(back)


def the_host_key_is_another(site):
    known = site.base / "known"
    key = (site.ssh.directory / "user.pub").read_text().split()[:2]
    port = (site.ssh.directory / "config").read_text().split("Port ")[1].split()[0]
    known.write_text(f"[127.0.0.1]:{port} {' '.join(key)}\n")
    ssh = f"{site.ssh.command} -o StrictHostKeyChecking=yes -o UserKnownHostsFile={known}"
    return Taken(environment={"BACKOUT_SSH": ssh})


def the_journal_knows_nothing(site):
    return Taken(lambda: shutil.rmtree(site.base / "empty"), arguments=("--state", str(site.base / "empty")))


def a_run(killed):
    """A deploy that is under way; or was, until its backout was killed."""
    def take(site):
        kept = site.base / "kept"
        kept.mkdir()
        for name in ("state", "target", "far-target"):
            subprocess.run(["cp", "-a", site.root / name, kept], check=True)
        began, stop = site.root / "began", site.root / "stop"
        command = f"touch {began}; while [ ! -e {stop} ]; do sleep 0.05; done"
        child = subprocess.Popen(
            [site.backout, "-f", site.root / "backout.yaml", "deploy", "--version", "v3", "--", "sh", "-c", command],
            env=site.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not began.exists():
            assert child.poll() is None
            time.sleep(0.02)
        if killed:
            child.kill()
            child.wait()

        def back():
            child.kill()
            child.wait()
            stop.touch()
            while any(str(stop) in processes.command_of(pid) for pid in processes.of(site.base)):
                time.sleep(0.02)
            for name in ("state", "target", "far-target"):
                shutil.rmtree(site.root / name)
                os.rename(kept / name, site.root / name)
            kept.rmdir()
            began.unlink()
            stop.unlink()
        return Taken(back)
    return take


def the_target_is_marked_bad(site):
    site.must("bad", "v1", "--reason", "it was not")
    return Taken(lambda: site.must("good", "v1"))


def supervisord_is_down(site):
    site.stop_supervisord()
    return Taken(site.start_supervisord)


def the_program_is_unknown(site):
    site.supervisorctl("stop", "web")
    site.supervisorctl("remove", "web")

    def back():
        site.supervisorctl("add", "web")
        site.wait_until_it_serves()
    return Taken(back)


def a_check_fails(site):
    columns = site.root / "local" / "current" / "COLUMNS"
    before = columns.read_text()
    columns.write_text("nowhere")
    site.supervisorctl("restart", "web")
    site.wait_until_it_serves()

    def back():
        columns.write_text(before)
        site.supervisorctl("restart", "web")
        site.wait_until_it_serves()
    return Taken(back)


def a_column_was_rewritten(site):
    site.sql("UPDATE prices SET price = price * 100")
    return Taken(lambda: site.sql("UPDATE prices SET price = price / 100"))


def somebody_pulls(line):
    return seen_as(f"mount -t tmpfs none /etc/cron.d; echo '{line}' >/etc/cron.d/pull")


SERVES = ("check",)  # the service does not answer either
GONE = {
    "the-release": Gone(away("@ROOT@/local/releases/v1"), "code", ("releases/v1", "local")),
    "the-release-on-the-other-host": Gone(away("@ROOT@/far/releases/v1"), "code", ("releases/v1", "far")),
    "the-backup": Gone(the_copy_is_gone, "backup", ("is gone",)),
    "the-manifest-of-the-backup": Gone(its_manifest_is_gone, "backup", ("is gone",)),
    "one-byte-of-the-backup": Gone(one_byte_of_the_copy_is_another, "backup", ("damaged at bytes",)),
    "nginx": Gone(without_program("nginx"), "tool", ("nginx",), needs_root=True),
    "supervisorctl": Gone(without_program("supervisorctl"), "service.look", ("web",), SERVES, needs_root=True),
    "the-door": Gone(away("@ROOT@/nginx/door.conf"), "door.look", ("door.conf",)),
    "the-right-to-write-the-door": Gone(read_only("@ROOT@/nginx"), "writable", ("@ROOT@/nginx",), ("door.test",),
                                        needs_root=True),
    "the-configuration-of-nginx": Gone(written("@ROOT@/nginx/nginx.conf", lambda text: text + b"}"), "door.test", ("nginx",)),
    "the-maintenance-page": Gone(away("@ROOT@/page.html"), "readable", ("@ROOT@/page.html",)),
    "a-secret-file": Gone(away("@ROOT@/key"), "secret", ("@ROOT@/key",)),
    "a-secret-variable": Gone(lambda site: Taken(without=("SHOP_TOKEN",)), "secret", ("$SHOP_TOKEN",)),
    "a-script": Gone(away("@ROOT@/warm.sh"), "readable", ("@ROOT@/warm.sh",)),
    "a-user": Gone(seen_as("grep -v ^games: /etc/passwd >@BASE@/passwd; mount --bind @BASE@/passwd /etc/passwd"), "user",
                   ("games",), needs_root=True),
    "the-disk": Gone(seen_as("mount -t tmpfs -o size=1m none @ROOT@/state/sites/shop/production/runs"), "room", ("1.0 MB free",),
                     needs_root=True),
    "the-inodes": Gone(seen_as("mount -t tmpfs -o nr_inodes=20 none @ROOT@/target"), "room.files", ("@ROOT@/target",),
                       needs_root=True),
    "the-right-to-act": Gone(read_only("@ROOT@/target"), "writable", ("@ROOT@/target",), ("user",), needs_root=True),
    "ssh": Gone(ssh_is_down, "host.reach", ("far",)),
    "the-key-of-the-other-host": Gone(the_host_key_is_another, "host.reach", ("far",)),
    "the-right-to-write-the-record": Gone(read_only("@ROOT@/state"), "journal", needs_root=True),
    "some-bytes-of-the-record": Gone(the_journal_is_damaged, "journal", ("damaged",)),
    "what-runs": Gone(the_journal_knows_nothing, "current", also=("host.owner",)),
    "the-journal-that-owns-the-site": Gone(the_journal_knows_nothing, "host.owner", ("far",), ("current",)),
    "the-lease": Gone(a_run(killed=False), "lease", ("deploy",)),
    "the-end-of-a-run": Gone(a_run(killed=True), "run.unfinished", ("deploy",)),
    "the-good-name-of-the-target": Gone(the_target_is_marked_bad, "target"),
    "supervisord": Gone(supervisord_is_down, "service.look", ("web",), SERVES),
    "the-program-of-supervisord": Gone(the_program_is_unknown, "service.look", ("web",), SERVES),
    "a-check": Gone(a_check_fails, "check", ("no such column",)),
    "the-database": Gone(away("@ROOT@/db/data.db"), "database", ("data.db",), SERVES),
    "the-content-of-the-database": Gone(written("@ROOT@/db/data.db", lambda bytes_: b"x" * len(bytes_)), "database.look",
                                        ("data.db",), SERVES),
    "a-decision-about-a-column": Gone(a_column_was_rewritten, "plan.refused", ("prices.price",)),
    "a-key-that-cannot-be-obeyed": Gone(configured("watch:", "approvals: {code: {of: [lead], need: 1}}\nwatch:"), "approvals",
                                        ("code",)),
    "the-silence-of-cron": Gone(somebody_pulls("* * * * * root cd @ROOT@/local && git pull"), "self-deploy",
                                ("/etc/cron.d/pull", "git pull"), needs_root=True),
}


def missing():
    """What the machine lacks for it; empty when nothing."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    return ", ".join(name for name in ("nginx", "sshd", "supervisord") if not shutil.which(name, path=path))
