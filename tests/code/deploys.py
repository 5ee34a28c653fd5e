"""A team whose only way to bring code is `make deploy`: run at the old tag, its recap read, and what runs looked at by a check."""
import re
import subprocess
import sys
import time
import urllib.request

from ports import free_port
from site_of import Site, expect, expect_words

RECAP = """PLAY RECAP *********************************************************************
web-1                      : ok=2    changed=1    unreachable=0    failed=0    skipped=0    rescued=0    ignored=0
web-2                      : ok=2    changed=1    unreachable=@U@    failed=0    skipped=0    rescued=0    ignored=0
"""


def prepare(base, backout):
    site = Site(base, backout)
    (base / "recap").mkdir(parents=True)
    site.sh("mkdir live; git init -q -b main work")
    for version in "12":
        (base / "work" / "VERSION").write_text(f"v{version}\n")
        (base / "work" / "Makefile").write_text(
            f"deploy:\n\t@echo $(TARGET) >>{base}/deploys\n\t@test -e {base}/lies || cp VERSION {base}/live/VERSION\n\t@cat {base}/recap.txt\n")
        site.sh(f"git add -A; git commit -q -m v{version}; git tag v{version}", base / "work")
    site.sh("git clone -q work clone; git -C clone checkout -q main; echo 'by hand' >clone/VERSION")
    (base / "recap.txt").write_text(RECAP.replace("@U@", "0"))
    site.configure(f"code: {{layout: command, path: clone, deploy: {{run: {{run: [make, deploy], env: {{TARGET: production}}}}, recap: ansible}}}}",
                   f"  - {{run: 'test \"$(cat {base}/live/VERSION)\" = {{{{version}}}}', name: what runs, attempts: 1}}")
    site.sh("cp work/VERSION live/VERSION; echo v1 >live/VERSION")
    site.must("record", "v1")
    site.must("good", "v1")
    site.must("deploy", "--version", "v2", "--", "make", "-s", "-C", str(base / "work"), "deploy")
    return site


def live(site):
    return (site.base / "live" / "VERSION").read_text().strip()


def back(base, backout):
    site = prepare(base, backout)
    ended = site.rollback()
    faults = expect(ended.status == 0, f"exit status {ended.status}\n{ended.output}") + expect(live(site) == "v1", f"{live(site)} runs")
    faults += expect((base / "deploys").read_text().split()[-1] == "production", "its environment did not reach it")
    faults += expect((base / "clone" / "VERSION").read_text() == "by hand\n", "the clone's own work tree was touched")
    return faults + expect(site.sh("git -C clone worktree list | wc -l") == "1", "a work tree was left")


def unreachable(base, backout):
    """Ansible's recap names a host that it did not reach, and the command ends in 0."""
    site = prepare(base, backout)
    (base / "recap.txt").write_text(RECAP.replace("@U@", "1"))
    ended = site.rollback()
    return expect(ended.status != 0, "it ends in 0") + expect_words(ended, "web-2: unreachable=1")


def lies(base, backout):
    """The command says that all is well, and nothing was deployed."""
    site = prepare(base, backout)
    (base / "lies").write_text("")
    ended = site.rollback()
    return expect(ended.status in (1, 5), f"exit status {ended.status}\n{ended.output}") + expect(live(site) == "v2", f"{live(site)} runs")


def stuck(base, backout):
    """The command fails at the old tag, and again when that is undone: told as not restored, and a new rollback takes over."""
    site = prepare(base, backout)
    makefile = "deploy:\n\t@test ! -e {0}/broken\n\t@cp VERSION {0}/live/VERSION\n\t@cat {0}/recap.txt\n".format(base)
    for version in "12":
        site.sh(f"git checkout -q v{version}", base / "work")
        (base / "work" / "Makefile").write_text(makefile)
        site.sh(f"git commit -q -a -m again; git tag -f v{version}; git push -q -f ../clone v{version}", base / "work")
    (base / "broken").write_text("")
    ended = site.rollback()
    faults = expect(ended.status == 5, f"exit status {ended.status}\n{ended.output}")
    faults += expect_words(ended, "could not put back 'deploy-code'", "backout resume", "backout rollback --reason")
    again = site.run("resume")
    faults += expect(again.status == 5, f"resume: exit status {again.status}\n{again.output}")
    again = site.run("deploy", "--version", "v3", "--", "true")
    faults += expect(again.status == 3, f"deploy over it: exit status {again.status}\n{again.output}")
    again = site.rollback("--forward")
    faults += expect(again.status == 3, f"forward to nothing: exit status {again.status}\n{again.output}")
    faults += expect("UNFINISHED" in site.run("status").output, "a rollback that has no plan closed the run")
    (base / "broken").unlink()
    ended = site.rollback()
    faults += expect(ended.status == 0, f"a new rollback: exit status {ended.status}\n{ended.output}") + \
        expect(live(site) == "v1", f"{live(site)} runs")
    log = site.run("log").output
    return faults + expect("NOT put back: 'deploy-code'" in log, f"the log does not tell what was not put back:\n{log}")


def brought(base, backout):
    """The command needs a file that git does not have. It is there while the command runs, and no longer: nor when backout is killed meanwhile."""
    site = prepare(base, backout)
    site.sh("echo hunter2 >clone/.vault_pass; chmod 600 clone/.vault_pass; echo .vault_pass >>clone/.git/info/exclude")
    makefile = ("deploy:\n\t@test \"$$(stat -c %a .vault_pass) $$(cat .vault_pass)\" = '600 hunter2'\n\t@touch {0}/begun; while test -e {0}/wait; do sleep 0.1; done\n"
                "\t@cp VERSION {0}/live/VERSION\n\t@cat {0}/recap.txt\n").format(base)
    for version in "12":
        site.sh(f"git checkout -q v{version}", base / "work")
        (base / "work" / "Makefile").write_text(makefile)
        site.sh(f"git commit -q -a -m again; git tag -f v{version}; git push -q -f ../clone v{version}", base / "work")
    ended = site.rollback()
    faults = expect(ended.status in (1, 5) and live(site) == "v2", f"without the file: exit status {ended.status}\n{ended.output}")
    (base / "backout.yaml").write_text((base / "backout.yaml").read_text().replace("recap: ansible", "recap: ansible, bring: [.vault_pass]"))
    (base / "wait").write_text("")
    killed = subprocess.Popen([site.backout, "rollback", "--reason", "it is broken", "--yes"], cwd=base, env=site.environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            if (base / "begun").exists():
                break
            time.sleep(0.05)
        there = copies(site)
    finally:
        killed.kill()
        killed.wait()
        (base / "wait").unlink()
    faults += expect(there != "", "while the command runs there is no copy: this proves nothing")
    ended = site.run("resume")
    faults += expect(ended.status == 0 and live(site) == "v1", f"resume: exit status {ended.status}\n{ended.output}")
    faults += expect(copies(site) == "", f"left: {copies(site)}")
    said = ended.output + site.run("report").output + site.run("log").output
    return faults + expect("hunter2" not in said and site.sh("grep -rl hunter2 state target || :") == "", "the secret was written down")


def copies(site):
    return site.sh("find clone/.git -name .vault_pass")


def put_back(base, backout):
    """A check fails, and the undo is the command at v2, on both hosts. One that ran v1 before is named, and nobody says that all is as it was."""
    site = prepare(base, backout)
    port = free_port()
    (base / "recap.txt").write_text(RECAP.replace("@U@", "0"))
    makefile = "deploy:\n\t@for host in 1 2; do cp VERSION {0}/live$$host/VERSION; done\n\t@cat {0}/recap.txt\n".format(base)
    for version in "12":
        site.sh(f"git checkout -q v{version}", base / "work")
        (base / "work" / "Makefile").write_text(makefile)
        site.sh(f"git commit -q -a -m again; git tag -f v{version}; git push -q -f ../clone v{version}", base / "work")
    yaml = (base / "backout.yaml").read_text()
    hosts = ", ".join(f'web-{n}: {{url: "http://127.0.1.{n}:{port}", root: {base}/target}}' for n in (1, 2))
    yaml = yaml.replace(f"local: {{root: {base}/target}}", hosts)
    (base / "backout.yaml").write_text(re.sub(r"checks:\n.*\n", "checks:\n  - {get: /VERSION, version: true, attempts: 1}\n"
                                                                "  - {run: 'false', name: stands, attempts: 1, hosts: [web-1]}\n", yaml))
    faults = []
    site.sh("mkdir live1 live2")
    servers = [subprocess.Popen([sys.executable, "-m", "http.server", str(port), "--bind", f"127.0.1.{n}", "--directory", str(base / f"live{n}")],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for n in (1, 2)]
    try:
        for second, words, status in (("v2", "v2 runs as before", 1), ("v1", "web-2 ran v1 when the plan was made", 5)):
            (base / "live1" / "VERSION").write_text("v2\n")
            (base / "live2" / "VERSION").write_text(second + "\n")
            until_answered(f"http://127.0.1.2:{port}/VERSION")
            plan = site.run("plan").output
            ended = site.rollback()
            faults += expect(ended.status == status, f"{second}: exit status {ended.status}\n{ended.output}") + expect_words(ended, words)
            faults += expect(status == 1 or "verything was put back" not in ended.output, f"it says what is not so:\n{ended.output}")
            faults += expect(("web-2 runs v1 now" in plan) == (status == 5), f"the plan:\n{plan}")
            runs = [(base / f"live{n}" / "VERSION").read_text() for n in (1, 2)]
            faults += expect(runs == ["v2\n", "v2\n"], f"{runs} run")
        report = site.run("report").output
        return faults + expect("NOT put back" in report and "web-2 ran v1" in report, f"the report:\n{report}")
    finally:
        for server in servers:
            server.kill()
            server.wait()


def until_answered(url):
    for _ in range(200):
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"{url} does not answer")


CASES = {f"deploy-{case.__name__}": (case, lambda: "") for case in (back, brought, unreachable, lies, put_back, stuck)}
