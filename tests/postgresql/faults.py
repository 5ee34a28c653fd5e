"""Servers that fail: each fault is told before or behind the closed door, the live database serves, and without it the same rollback ends in 0."""
import ctypes
import os
import shutil
import subprocess
import threading
from pathlib import Path

from cluster import BIN, Cluster
from judge import expect
from shop import Customers, Shop

CLONE_NEWNS, MS_REC, MS_PRIVATE, MS_BIND = 0x20000, 0x4000, 0x40000, 0x1000
EXTENSIONS = Path("/usr/share/postgresql/15/extension")


def mounts_of_our_own():
    """What is mounted from now on is seen by this process and its children, and is gone with them."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0 or libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) != 0:
        raise OSError(ctypes.get_errno(), "a mount namespace of our own")


def mounted(*words):
    subprocess.run(["mount", *map(str, words)], check=True)


class Faults:
    """One site, whose release v2 is bad; each fault alone stops the way back to v1."""

    def __init__(self, directory, backout, app):
        mounts_of_our_own()
        self.disk = Path(directory) / "disk"
        self.disk.mkdir(parents=True)
        mounted("-t", "tmpfs", "-o", "size=160m", "tmpfs", self.disk)
        shutil.chown(self.disk, "postgres", "postgres")
        self.cluster = Cluster("autovacuum=off")
        try:
            self.begin(directory, backout, app)
        except Exception:
            self.cluster.remove()
            raise

    def begin(self, directory, backout, app):
        self.cluster.sql("postgres", f"CREATE TABLESPACE small LOCATION '{self.disk}'")
        self.cluster.sql("postgres", "GRANT CREATE ON TABLESPACE small TO PUBLIC")
        self.shop = Shop(Path(directory) / "site", backout, self.cluster, app, "TABLESPACE small")
        self.shop.sql("CREATE EXTENSION citext; CREATE TABLE ballast (v text); ALTER TABLE ballast OWNER TO shop;"
                      "INSERT INTO ballast SELECT string_agg(md5(i::text || j), '') FROM generate_series(1, 200) i, generate_series(1, 1000) j GROUP BY i")
        self.customers = Customers(self.shop).begin()
        self.customers.have_ordered(10)
        self.shop.deploy("v2")

    def end(self):
        self.shop.end()
        self.cluster.remove()
        subprocess.run(["umount", self.disk], check=True)

    def refused(self, *words, door=False, status=(1,)):
        """The way back is refused with these words; users are served by v2, and were never sent away unless the door closed."""
        said = self.shop.run(self.shop.backout, "rollback", "--yes", "--reason", "a test", status=None)
        ended = int(self.shop.words[-1].rpartition("-> ")[2])
        expect(ended in status, f"ended in {ended}:\n{said}")
        for word in words:
            expect(word in said, f"'{word}' is not said:\n{said}")
        expect(("the door closes" in said) == door, f"the door:\n{said}")
        self.serves("v2")
        left = [name for name in self.cluster.databases() if "__backout_" in name]
        expect(left == [], f"left: {left}\n{said}")
        return said

    def refused_of_connection(self, *words, serves=True):
        """There is no server to be had: nothing is begun."""
        said = self.shop.run(self.shop.backout, "rollback", "--yes", "--reason", "a test", status=None)
        ended = int(self.shop.words[-1].rpartition("-> ")[2])
        expect(ended in (1, 3), f"ended in {ended}:\n{said}")
        expect("the door closes" not in said, f"the door:\n{said}")
        for word in words:
            expect(word in said, f"'{word}' is not said:\n{said}")
        if serves:
            self.serves("v2")
        return said

    def serves(self, version):
        expect(self.shop.ask("/version")[1].strip() == version, f"{version} does not serve")
        self.customers.have_ordered(3)

    def ready(self, *words):
        said = self.shop.run(self.shop.backout, "ready", status=3)
        for word in words:
            expect(word in said, f"'{word}' is not said:\n{said}")


def prepared_transaction(faults):
    faults.shop.sql("BEGIN; INSERT INTO ballast VALUES ('prepared'); PREPARE TRANSACTION 'by hand'")
    faults.ready("by hand", "ROLLBACK PREPARED")
    faults.refused("by hand", "ROLLBACK PREPARED")
    faults.shop.sql("ROLLBACK PREPARED 'by hand'")


def logical_slot(faults):
    faults.shop.sql("SELECT pg_create_logical_replication_slot('reports', 'test_decoding')")
    faults.refused("reports")
    faults.shop.sql("SELECT pg_drop_replication_slot('reports')")


def missing_extension(faults):
    """The dump wants what the server no longer offers."""
    without = faults.shop.root / "extension"
    shutil.copytree(EXTENSIONS, without, ignore=shutil.ignore_patterns("citext*"))
    mounted("--bind", without, EXTENSIONS)
    faults.refused("the extension citext is in the backup and not on the server", "install it on the database server")
    subprocess.run(["umount", EXTENSIONS], check=True)


def wrong_password(faults):
    """Somebody changed it, and did not tell us."""
    hba = faults.cluster.data / "pg_hba.conf"
    text = hba.read_text()
    faults.cluster.sql("postgres", "ALTER ROLE backout PASSWORD 'new'")
    hba.write_text("local all backout scram-sha-256\n" + text)
    faults.cluster.reload()
    os.environ["PGPASSWORD"] = "old-and-secret"
    try:
        said = faults.refused_of_connection("password authentication failed")
        expect("old-and-secret" not in said, "the password is told")
    finally:
        del os.environ["PGPASSWORD"]
        hba.write_text(text)
        faults.cluster.reload()


def no_connections_left(faults):
    """Others have taken all of them, also those kept for superusers."""
    crowd = Crowd(faults.cluster)
    faults.customers.end()
    faults.refused_of_connection("too many clients", serves=False)
    crowd.leave()
    faults.customers.begin()
    faults.serves("v2")


def few_connections_left(faults):
    """There are some beside the three that are kept for superusers, and fewer than the parallel dump wants."""
    faults.customers.end()
    crowd = Crowd(faults.cluster, leave=6)
    faults.refused_of_connection("connection slots are reserved", serves=False)
    crowd.leave()
    faults.customers.begin()
    faults.serves("v2")


class Crowd:
    """Sessions of a superuser, until there is no room for one more, or for `leave` more."""

    def __init__(self, cluster, leave=0):
        self.sessions = []
        while True:
            session = subprocess.Popen([BIN / "psql", "-XAtq", "-h", cluster.directory, "-U", "postgres", "-d", "postgres"],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            session.stdin.write("SELECT 1;\n")
            session.stdin.flush()
            if session.stdout.readline() != "1\n":
                session.communicate()
                break
            self.sessions.append(session)
        self.leave(leave)

    def leave(self, count=None):
        for _ in range(len(self.sessions) if count is None else count):
            self.sessions.pop().communicate()


def full_disk(faults):
    """The room is gone while pg_restore fills the database beside."""
    hog = Hog(faults)
    said = faults.refused("No space left on device", "make room")
    expect(hog.end(), f"the disk did not fill:\n{said}")


class Hog:
    """Takes what is free of the small disk as soon as a database is being restored beside, but for a little."""

    def __init__(self, faults):
        self.file, self.filled, self.stopped = faults.disk / "hog", False, threading.Event()
        self.thread = threading.Thread(target=self.fill, args=(faults,), daemon=True)
        self.thread.start()

    def fill(self, faults):
        while not self.stopped.wait(0.002):
            if any("_new_part_" in name for name in faults.cluster.databases()):
                self.filled = any(self.leaves(megabytes << 20) for megabytes in (4, 8, 16, 32))
                return

    def leaves(self, rest):
        """False: the server took more meanwhile than was left to it."""
        room = os.statvfs(self.file.parent)
        with open(self.file, "wb") as file:
            try:
                os.posix_fallocate(file.fileno(), 0, max(room.f_bavail * room.f_bsize - rest, 1))
            except OSError:
                file.truncate(0)
                return False
        return True

    def end(self):
        self.stopped.set()
        self.thread.join()
        self.file.unlink(missing_ok=True)
        return self.filled


def standby(faults):
    """backout.yaml names a standby, in which nothing can be written."""
    data, socket = faults.shop.root / "standby", faults.shop.root / "standby-socket"
    socket.mkdir()
    faults.shop.root.chmod(0o755)
    for path in (socket, faults.shop.root):
        shutil.chown(path, "postgres", "postgres")
    faults.cluster.as_postgres(BIN / "pg_basebackup", "-h", faults.cluster.directory, "-U", "postgres", "-D", data, "-R", "-c", "fast",
                               "-X", "stream", "-T", f"{faults.disk}={faults.shop.root}/standby-disk")
    with open(data / "postgresql.conf", "a") as file:
        file.write(f"unix_socket_directories='{socket}'\n")
    faults.cluster.as_postgres(BIN / "pg_ctl", "-D", data, "-l", data / "log", "-w", "start")
    try:
        faults.shop.write_yaml(pg=socket)
        faults.refused_of_connection("the server is a standby", "name the primary in database.postgresql")
    finally:
        faults.cluster.as_postgres(BIN / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
        faults.shop.write_yaml()


def superuser_application(faults):
    """The application is a superuser, and backout is none: it may not end its sessions."""
    faults.cluster.sql("postgres", "ALTER ROLE shop SUPERUSER")
    with Session(faults.cluster):
        faults.ready("may not end sessions of superusers: shop")
        faults.refused("ending the session of shop", door=True)
    faults.cluster.sql("postgres", "ALTER ROLE shop NOSUPERUSER")


class Session:
    """One of the application's role, that stays."""

    def __init__(self, cluster):
        self.session = subprocess.Popen([BIN / "psql", "-XAtq", "-h", cluster.directory, "-U", "shop", "-d", "shop"],
                                        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.session.communicate()


def obstinate(faults):
    """Both are superusers, and somebody connects again whenever his session is ended: no reason not to roll back."""
    faults.cluster.sql("postgres", "ALTER ROLE shop SUPERUSER; ALTER ROLE backout SUPERUSER")
    stopped = threading.Event()

    def again():
        while not stopped.wait(0.001):
            subprocess.run([BIN / "psql", "-XAtq", "-h", faults.cluster.directory, "-U", "shop", "-d", "shop", "-c", "SELECT pg_sleep(1)"],
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)

    threads = [threading.Thread(target=again, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    faults.shop.run(faults.shop.backout, "rollback", "--yes", "--reason", "a test")
    stopped.set()
    for thread in threads:
        thread.join()
    faults.serves("v1")


FAULTS = [prepared_transaction, logical_slot, missing_extension, wrong_password, no_connections_left, few_connections_left, full_disk, standby,
          superuser_application, obstinate]
