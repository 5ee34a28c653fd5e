"""One machine, one plain process; and who lies there."""
import os
import shutil

from liar import HERE, Liar, oracle, scenarios
from slot import Slot

import processes

CHECKS = """
  - {get: /version, version: true, attempts: 10, every: 100ms}
  - {get: /health, status: 200, contains: "ok", attempts: 10, every: 100ms}
"""
STATUS_ALONE = """
  - {get: /health, status: 200, attempts: 10, every: 100ms}
"""
# curl ends with 0 whatever the status is, and whatever the page says.
CURL = """
  - {run: "curl -s http://127.0.0.1:@PORT@/health", name: curl, attempts: 30, every: 100ms}
"""
NOTHING_ASKED = """
  - {run: "test -d @SITE@/current", name: there}
"""


class Web(Slot):
    """The slot of the crash tests, with a configuration that is chosen for each rollback."""
    SERVICE = "{process: web, start: [sh, @SITE@/start.sh], cwd: @SITE@/current, startup: 3s, drain: 2s, port: @PORT@, pidfile: " \
              "@SITE@/web.pid, log: @SITE@/web.log, env: {PORT: '@PORT@', DB: @SITE@/data.db, TRACE: @TRACE@}}"
    STOP, START = "sh @SITE@/by_hand.sh stop", "sh @SITE@/by_hand.sh start"
    OWN = ("by_hand.sh", "start.sh")

    def __init__(self, base, backout):
        super().__init__(base, backout)
        self.environment["PATH"] = f"{self.base / 'bin'}:{os.environ['PATH']}"
        for name, text in (("SERVICE", self.SERVICE), ("STOP", self.STOP), ("START", self.START)):
            self.words[name] = self.filled(text)
        self.words.update(BASE=self.base, MARK=processes.MARK, CHECKS="")
        self.honest_with = set()  # checks with which a rollback without a lie ended in 0

    def template(self, name):
        own = HERE / "site" / name
        return own if own.exists() else super().template(name)

    def build(self):
        super().build()
        for name in self.OWN:
            (self.site / name).write_text(self.fill(name))
        (self.base / "bin" / "mv").write_text(self.fill("mv"))
        (self.base / "bin" / "mv").chmod(0o755)
        self.configure("verified")

    def restore(self, name):
        (self.base / "mv-lies").unlink(missing_ok=True)
        super().restore(name)

    def prepare(self):
        """The snapshot `broken`: v1 was good, v2 was deployed, and rows were written since."""
        scenarios.prepare(self)

    def configure(self, eyes, checks=""):
        """`eyes`: verified or believed."""
        self.words["CHECKS"] = self.filled(checks or (CHECKS if eyes == "verified" else CURL))
        (self.site / "backout.yaml").write_text(self.fill(f"{eyes}.yaml"))

    def faults(self, version):
        return oracle.faults_of_site(self, version)

    def pid(self):
        [pid] = self.servers()
        return pid


def the_old_process_keeps_its_port(web):
    """A deploy left no pidfile, or a wrong one: what is stopped is not what serves."""
    pid = web.pid()
    (web.site / "web.pid").unlink()
    return lambda: [f"port {web.port} is still held by pid {pid}", "running from v2"]


def it_started_before_the_switch(web):
    """Somebody's hook restarts the service as soon as it is down: the link moves after that, and nothing restarts it again."""
    (web.site / "at-early").write_text(f"""
cd {web.site}/current
PORT={web.port} DB={web.site}/data.db TRACE={web.trace} setsid /usr/bin/python3 -ISB server.py </dev/null >/dev/null 2>&1 &
echo $! >{web.site}/web.pid
echo $! >{web.base}/early.pid
""")
    return lambda: [f"web: pid {(web.base / 'early.pid').read_text().strip()} (python3), running from v2 started at ",
                    "before the code was switched at"]


def the_start_command_starts_nothing(web):
    (web.site / "starts-nothing").write_text("v1")
    return lambda: ["'start-web' on local", "ended"]


def the_switch_command_says_it_worked(web):
    (web.base / "mv-lies").write_text(f"{web.site}/current\n")
    return lambda: ["'switch-code' on local", "the command said it worked, but", "v2"]


def the_link_is_put_back_by_somebody(web):
    """After it was switched and verified."""
    (web.site / "at-late").write_text(f"cd {web.site} && ln -sfn releases/v2 current\n")
    return lambda: [f"{web.site}/current leads to {web.site}/releases/v2, not to v1"]


def an_error_page_has_status_200(web):
    """v1 does not find a column that it needs, and its error handler forgets the status."""
    release = web.site / "releases" / "v1"
    server = (release / "server.py").read_text()
    assert '"500 Broken"' in server
    (release / "server.py").write_text(server.replace('"500 Broken"', '"200 OK"'))
    (release / "COLUMNS").write_text("id, customer, nowhere")
    return lambda: ["/health", "OperationalError: no such column: nowhere"]


LIARS = {
    "the-old-process-keeps-its-port": Liar(the_old_process_keeps_its_port),
    "it-started-before-the-switch": Liar(it_started_before_the_switch),
    "the-start-command-starts-nothing": Liar(the_start_command_starts_nothing, believed_checks=NOTHING_ASKED),
    "the-switch-command-says-it-worked": Liar(the_switch_command_says_it_worked),
    "the-link-is-put-back-by-somebody": Liar(the_link_is_put_back_by_somebody),
    "an-error-page-has-status-200": Liar(an_error_page_has_status_200),
    "an-error-page-has-status-200-and-only-the-status-is-asked": Liar(an_error_page_has_status_200, checks=STATUS_ALONE),
}


def site(base, backout):
    """The site, and what takes it down."""
    web = Web(base, backout)
    return web, web.end_everything


def missing():
    """What the machine lacks for it; empty when nothing."""
    return "" if shutil.which("curl") else "curl"
