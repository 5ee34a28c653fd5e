"""binary-ansible: a Go binary on three hosts, brought there by `make deploy` and Ansible; PostgreSQL, migrations in the binary.

v2 goes bad and is taken back under load: no connection is refused, none is cut. v3 brings a migration that v2 cannot live with: it is
stepped down by the binary itself, after Ansible failed on one of the three.
"""
import os
import shutil
import subprocess
import sys
import time

from place import ROOT, Wrong, expect

sys.path[1:1] = [str(ROOT / "tests" / "projects"), str(ROOT / "tests" / "postgresql")]
from cluster import BIN, Cluster  # noqa: E402
from customers import Customers  # noqa: E402
from load import Load  # noqa: E402

NEEDS = ("root", "systemd-nspawn", "sshd", "ssh-keygen", "ansible-playbook", "go", "git", "make", str(BIN / "initdb"))
HOSTS = {f"web-{number}": f"127.0.1.{number}" for number in (1, 2, 3)}
SSH, WEB = 18500, 18501
CONTAINER = ROOT / "tests" / "support" / "systemd_host.sh"


class Host:
    """A machine with a systemd and a root of its own; of ours it has the network, the place's directory and the database's socket."""

    def __init__(self, place, name, cluster):
        self.name, self.address, base = name, HOSTS[name], place.directory / name
        self.leader = place.sh([str(CONTAINER), "up", str(base), f"--bind={place.directory}/{name}.in:/setup",
                                f"--bind={cluster.directory}"], quiet=True).split()[-1]
        place.at_end(lambda: subprocess.run([str(CONTAINER), "down", str(base)], check=True, capture_output=True))

    def run(self, script):
        done = subprocess.run(["nsenter", "-t", self.leader, "-a", "--", "sh", "-c", script], capture_output=True, text=True, check=False)
        if done.returncode:
            raise Wrong(f"{self.name}: {script}: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def runs(self):
        """The versions of all processes of /opt/notesd, by what each says of itself."""
        return self.run("for one in /proc/[0-9]*; do case $(readlink $one/exe) in /opt/notesd/*) $one/exe version;; esac; done").split()


def prepare(place, name):
    """What somebody once brought to each host: units, a key."""
    inside = place.directory / f"{name}.in"
    inside.mkdir()
    for unit in ("notesd.service", "notesd.socket"):
        shutil.copy(place.site / "host" / unit, inside)
    socket = inside / "notesd.socket"
    socket.write_text(socket.read_text().replace("=8080", f"={HOSTS[name]}:{WEB}"))
    (inside / "sshd-of-test.service").write_text(
        f"[Service]\nRuntimeDirectory=sshd\nExecStart=/usr/sbin/sshd -D -f /setup/sshd_config -o ListenAddress={HOSTS[name]}\n")
    (inside / "sshd_config").write_text(f"Port {SSH}\nHostKey /setup/key\nAuthorizedKeysFile /setup/key.pub\nStrictModes no\nUsePAM no\n"
                                        "PidFile none\nMaxSessions 50\nSubsystem sftp internal-sftp\n")
    for file in ("key", "key.pub"):
        shutil.copy(place.directory / file, inside)
    (inside / "key").chmod(0o600)
    return inside


def begin(place):
    """The day on which the team meets backout: v1 runs on three hosts, deployed by `make deploy`."""
    cluster = Cluster()
    place.at_end(cluster.remove)
    cluster.sql("postgres", "CREATE ROLE notes LOGIN; CREATE ROLE backout LOGIN CREATEDB; GRANT notes, pg_signal_backend TO backout")
    cluster.sql("postgres", "CREATE DATABASE notes OWNER notes")
    site = place.copy({"/srv/notes": place.site, "db.internal": cluster.directory, ":8080": f":{WEB}", "Port 22": f"Port {SSH}",
                       "first: 5m": "first: 15s"})
    with open(site / "ssh_config", "a") as file:
        file.write(f"  IdentityFile {place.directory}/key\n  UserKnownHostsFile {place.directory}/known_hosts\n  LogLevel ERROR\n")
    (place.directory / "home").mkdir()
    cache = ROOT / "build" / "examples-go"
    cache.mkdir(exist_ok=True)
    place.environment |= {"HOME": str(place.directory / "home"), "GOCACHE": str(cache),
                          "ANSIBLE_SSH_CONTROL_PATH_DIR": str(place.directory / "cp"),
                          "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
    place.sh(f"ssh-keygen -q -t ed25519 -N '' -f {place.directory}/key", quiet=True)
    place.repository(site / "notes.git", site, ["v1", "v2", "v3"])
    place.sh("git clone -q notes.git clone; git clone -q notes.git work", quiet=True)
    hosts = []
    for name in HOSTS:
        prepare(place, name)
        hosts.append(Host(place, name, cluster))
        hosts[-1].run("mkdir -p /opt/notesd; cp /setup/*.service /setup/*.socket /etc/systemd/system/; systemctl daemon-reload;"
                      " systemctl start sshd-of-test notesd.socket")
    place.sh("git -C work checkout -q v1; make -C work deploy ANSIBLE_INVENTORY=production")
    return cluster, hosts


def deploy(place, version, **more):
    place.sh(f"git -C work checkout -q {version}", quiet=True)
    return place.backout("deploy", "--version", version, "--", "make", "-C", "work", "deploy", "ANSIBLE_INVENTORY=production", **more)


def serves(place, version, cluster, hosts, columns):
    """What users, the hosts' processes and PostgreSQL say; none of them is backout."""
    for host in hosts:
        said = place.get(f"http://{host.address}:{WEB}/version")
        expect(said == (200, version + "\n"), f"{host.name}: {said}, not {version}")
        expect(host.runs() == [version], f"{host.name} runs {host.runs()}, not {version} alone")
        expect(place.get(f"http://{host.address}:{WEB}/notes")[0] == 200, f"{host.name}: the notes are not listed")
    found = cluster.sql("notes", "SELECT string_agg(column_name, ' ' ORDER BY ordinal_position) FROM information_schema.columns"
                                 " WHERE table_name = 'notes'")
    expect(found == columns, f"columns of notes: {found}")


def code_alone(place, cluster, hosts, load):
    """v2 only adds a column: `make deploy` at v1, while connections come in all the time and long answers are under way."""
    load.begin()
    said = deploy(place, "v2", ends=(5,))
    expect("v2" in said, said)
    said = place.backout("decide", "--no-questions", ends=(0, 3))
    expect("ROLL BACK" in said or "NEEDS APPROVAL" in said, said)
    said = place.backout("plan")
    expect("left alone" in said and "colour" in said, said)
    load.mark("the way back")
    place.rolls_back(reason="the colours are out of date")
    serves(place, "v1", cluster, hosts, "id text colour")
    load.wait_for_answers()
    faults = load.end()
    expect(not faults, f"users met {len(faults)} faults, such as {faults[:5]}")
    expect(load.finished("v2") >= 3, "no long answer of v2 was under way and finished")
    return [load.said()]


def stepped_down(place, cluster, hosts):
    """v3's migration is one that v1 cannot live with, and Ansible fails on one of the three at first."""
    deploy(place, "v3", ends=(5,))
    said = place.backout("plan")
    expect("is stepped down" in said and "0003_author" in said and "down 0002" not in said, said)
    hosts[1].run("mount --bind /opt/notesd /opt/notesd && mount -o remount,ro,bind /opt/notesd")
    said = place.backout("rollback", "--yes", "--reason", "the notes are not listed", ends=(5,))
    expect("web-2: failed=1" in said and "without fault: web-1, web-3" in said, "the hosts are not told apart")
    expect(hosts[1].runs() == ["v3"], f"web-2 runs {hosts[1].runs()}")
    hosts[1].run("umount /opt/notesd")
    place.rolls_back(reason="the notes are not listed; web-2 can be written to again")


def run(place):
    began = time.monotonic()
    cluster, hosts = begin(place)
    words = [f"begun after {time.monotonic() - began:.1f} s"]
    place.backout("lint")
    place.backout("record", "v1")
    place.backout("good", "v1")
    addresses = [host.address for host in hosts]
    url = f":{WEB}/notes?text="
    customers = Customers(lambda token: place.get(f"http://{addresses[customers.tried % 3]}{url}{token}", b"")[0] == 201, 0.1)
    place.at_end(lambda: customers.end())
    customers.begin()
    customers.have_written(10)
    load = Load([(address, WEB) for address in addresses], pause=0.1)
    place.at_end(lambda: load.end())
    words += code_alone(place, cluster, hosts, load)
    stepped_down(place, cluster, hosts)
    serves(place, "v1", cluster, hosts, "id text colour")
    customers.have_written(10)
    customers.end()
    lost = set(customers.told) - set(cluster.sql("notes", "SELECT text FROM notes").split("\n"))
    expect(not lost, f"notes are lost: {sorted(lost)[:5]} of {len(customers.told)}")
    report = place.backout("report")
    expect("v3 -> v1" in report and "web-2" in report, "the report does not tell it")
    return [*words, f"{len(customers.told)} notes were confirmed, and are there"]
