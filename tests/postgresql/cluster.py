"""A private PostgreSQL server on a socket of its own, run by user postgres, gone at the end."""
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

BIN = Path("/usr/lib/postgresql/15/bin")


class Cluster:
    def __init__(self, settings="", place=None):
        """`place`: where its directory is made, else among other temporary ones."""
        self.directory = Path(tempfile.mkdtemp(prefix="backout-pg-", dir=place))
        shutil.chown(self.directory, "postgres", "postgres")
        self.directory.chmod(0o755)
        self.data = self.directory / "data"
        self.as_postgres(BIN / "initdb", "-D", self.data, "-A", "trust", "-U", "postgres", "--no-sync", "-k", "-E", "UTF8", "--locale=C.UTF-8")
        with open(self.data / "postgresql.conf", "a") as file:
            file.write(f"listen_addresses=''\nunix_socket_directories='{self.directory}'\nfsync=off\nwal_level=logical\n"
                       f"max_connections=80\nmax_prepared_transactions=4\n{settings}\n")
        self.start()

    def as_postgres(self, *argv):
        done = subprocess.run(["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--", *map(str, argv)],
                              cwd="/tmp", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise RuntimeError(f"{argv[0]}: {done.stdout}")

    def start(self):
        self.as_postgres(BIN / "pg_ctl", "-D", self.data, "-l", self.directory / "log", "-w", "start")

    def reload(self):
        self.as_postgres(BIN / "pg_ctl", "-D", self.data, "reload")
        time.sleep(0.2)

    def stop(self, mode="immediate"):
        self.as_postgres(BIN / "pg_ctl", "-D", self.data, "-m", mode, "-w", "stop")

    def kill(self):
        """SIGKILL for the server's first process; the others follow. Then it is started, and recovers."""
        first = int((self.data / "postmaster.pid").read_text().split()[0])
        os.kill(first, signal.SIGKILL)
        for _ in range(600):
            try:
                self.start()
                return
            except RuntimeError:
                time.sleep(0.05)  # its processes still hold the shared memory

    def remove(self):
        self.stop()
        shutil.rmtree(self.directory)

    def sql(self, database, text):
        """What psql prints for it, unaligned, without headers."""
        done = subprocess.run([BIN / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", self.directory, "-U", "postgres", "-d", database, "-c", text],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{text}: {done.stderr}")
        return done.stdout.strip()

    def databases(self):
        return self.sql("postgres", "SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1").split("\n")

    @property
    def environment(self):
        return {**os.environ, "PGHOST": str(self.directory), "PGUSER": "postgres"}
