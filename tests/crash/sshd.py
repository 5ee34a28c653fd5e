"""A real sshd on the loopback, with keys, port and configuration of its own, for one slot. Ends with `stop`."""
import getpass
import os
import subprocess
import time
from pathlib import Path

import processes


class Sshd:
    destination = "far.crash"

    def __init__(self, directory, slot, port, names=(), environment=()):
        """A home of its own: what the login shell of this machine reads at each command must not be part of a test.
        `slot`: the directory that marks the sessions' processes as this slot's. `names`: what else ssh calls this host;
        `environment`: NAME=VALUE of every session."""
        self.directory = Path(directory)
        self.directory.mkdir(parents=True)
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.directory / name], check=True)
        (self.directory / "authorized").write_text((self.directory / "user.pub").read_text())
        (self.directory / "sshd_config").write_text(f"""
Port {port}
ListenAddress 127.0.0.1
HostKey {self.directory}/host
PidFile none
AuthorizedKeysFile {self.directory}/authorized
PasswordAuthentication no
PermitRootLogin yes
StrictModes no
UsePAM no
MaxStartups 500
SetEnv HOME={self.directory} {processes.MARK}={slot} BACKOUT_SETSID={slot}/bin/setsid {' '.join(environment)}
""")
        (self.directory / "config").write_text(f"""
Host {' '.join([self.destination, *names])}
  HostName 127.0.0.1
  Port {port}
  User {getpass.getuser()}
  IdentityFile {self.directory}/user
  IdentitiesOnly yes
  UserKnownHostsFile {self.directory}/known
  StrictHostKeyChecking no
  LogLevel ERROR
""")
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", exist_ok=True)
        self.log = open(self.directory / "log", "wb")
        self.child = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f", self.directory / "sshd_config"],
                                      stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True)
        self.pids = [self.child.pid]
        self.command = f"ssh -F {self.directory}/config"
        self.wait()

    def wait(self):
        deadline = time.monotonic() + 10
        while subprocess.run([*self.command.split(), self.destination, "true"], check=False, capture_output=True).returncode != 0:
            if time.monotonic() > deadline or self.child.poll() is not None:
                raise RuntimeError(f"sshd does not answer: {(self.directory / 'log').read_text()}")
            time.sleep(0.05)

    def stop(self):
        self.child.kill()
        self.child.wait()
        self.log.close()
