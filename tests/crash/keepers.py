"""Who keeps the service of the site: nobody but a pidfile, a real supervisord, a real PM2.

`words` fill the templates: SERVICE in backout.yaml, STOP and START in deploy.sh. `begin` brings up what must be there before
any service (a daemon with nothing to keep), `start` the service of the live release. What they keep lies in the slot beside
the site: a daemon dies with each case, as in a machine's crash, and a new one is begun for the next.
"""
import shutil
import subprocess
import time
from pathlib import Path

PM2 = Path(__file__).resolve().parent.parent / "support" / "pm2.sh"
SERVER = ["/usr/bin/python3", "-ISB", "server.py"]


def wait_for(holds, what, seconds=20):
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what} did not happen within {seconds} s")
        time.sleep(0.01)


class Process:
    @staticmethod
    def words(_):
        return {
            "SERVICE": "  - process: web\n    start: [/usr/bin/python3, -ISB, server.py]\n    cwd: @CURRENT@\n"
                       '    env: {PORT: "@PORT@", DB: @SITE@/data.db, TRACE: @TRACE@}\n    pidfile: @SITE@/web.pid\n    log: @SITE@/web.log',
            "STOP": 'pid=$(cat "$site/web.pid" 2>/dev/null | head -n 1 || true)\nif [ -n "$pid" ]; then\n  kill "$pid" 2>/dev/null || true\n'
                    "  while kill -0 \"$pid\" 2>/dev/null && ! grep -q ' Z ' \"/proc/$pid/stat\" 2>/dev/null; do sleep 0.01; done\nfi",
            "START": "PORT=@PORT@ DB=$site/data.db TRACE=@TRACE@ /usr/bin/setsid /usr/bin/python3 -ISB server.py"
                     ' </dev/null >>"$site/web.log" 2>&1 &\necho $! >"$site/web.pid"',
        }

    def begin(self, slot):
        pass

    @staticmethod
    def start(slot):
        child = slot.start_child(SERVER, slot.layout.code(slot.site), slot.site / "web.log",
                                 PORT=str(slot.port), DB=str(slot.site / "data.db"), TRACE=str(slot.trace))
        (slot.site / "web.pid").write_text(f"{child.pid}\n")


class Supervisor:
    @staticmethod
    def words(base):
        ctl = f"supervisorctl -c {base}/supervisor/s.conf"
        return {
            "SERVICE": f"  - supervisor: web\n    config: {base}/supervisor/s.conf",
            "STOP": f"{ctl} stop web >/dev/null || true",
            "START": f"{ctl} start web >/dev/null",
        }

    @staticmethod
    def begin(slot):
        home = slot.base / "supervisor"
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
        (home / "s.conf").write_text(slot.filled(
            f"[unix_http_server]\nfile={home}/s.sock\n[supervisord]\nlogfile={home}/s.log\npidfile={home}/s.pid\nchildlogdir={home}\n"
            "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"
            f"[supervisorctl]\nserverurl=unix://{home}/s.sock\n"
            f"[program:web]\ncommand={' '.join(SERVER)}\ndirectory=@CURRENT@\nautostart=false\n"
            'environment=PORT="@PORT@",DB="@SITE@/data.db",TRACE="@TRACE@"\n'))
        slot.start_child(["/usr/bin/supervisord", "-n", "-s", "-c", home / "s.conf"], slot.base, home / "out")
        wait_for((home / "s.sock").exists, "supervisord's start")

    @staticmethod
    def start(slot):
        subprocess.run(["supervisorctl", "-c", slot.base / "supervisor" / "s.conf", "start", "web"], check=True, stdout=subprocess.DEVNULL)


class Pm2:
    def __init__(self):
        self.found = None

    @property
    def program(self):
        if self.found is None:
            self.found = subprocess.run([PM2, PM2.parents[2]], check=True, capture_output=True, text=True).stdout.strip()
        return self.found

    def words(self, base):
        pm2 = f"PM2_HOME={base}/pm2 {self.program}"
        return {
            "SERVICE": f"  - pm2: web\n    program: {self.program}\n    home: {base}/pm2\n    ecosystem: {base}/ecosystem.config.js",
            "STOP": f"{pm2} delete web >/dev/null 2>&1 || true",
            "START": f'{pm2} start {base}/ecosystem.config.js --only web </dev/null >/dev/null',
        }

    @staticmethod
    def begin(slot):
        shutil.rmtree(slot.base / "pm2", ignore_errors=True)  # its daemon comes with the first application
        (slot.base / "ecosystem.config.js").write_text(slot.filled(
            "module.exports = {apps: [{name: 'web', script: './server.py', cwd: '@CURRENT@', interpreter: '/usr/bin/python3',"
            " interpreter_args: '-ISB', env: {PORT: '@PORT@', DB: '@SITE@/data.db', TRACE: '@TRACE@'}}]};\n"))

    def start(self, slot):
        subprocess.run([self.program, "start", slot.base / "ecosystem.config.js", "--only", "web"], check=True, stdout=subprocess.DEVNULL,
                       stdin=subprocess.DEVNULL, env={**slot.environment, "PM2_HOME": str(slot.base / "pm2")})


PROCESS = Process()
KEEPERS = {"process": PROCESS, "supervisor": Supervisor(), "pm2": Pm2()}
