"""coolify-compose: a push brings v2, which leaks connections; Coolify deploys v1 again, and nothing brings v2 back.

Coolify is the stand-in of tests/coolify: each deployment is a process of that commit, in a directory of its own.
"""
import json
import urllib.request

from place import ROOT, expect

NEEDS = ("git", "curl")
API, APP = 18410, 18411
CONTROL = f"http://127.0.0.1:{API}/_control"


ON_TERMINAL = """import os, pty, sys
pid, terminal = pty.fork()
if pid == 0: os.execvp("env", ["env", "TERM=dumb", *sys.argv[2:]])
said, asked = b"", False
try:
    while chunk := os.read(terminal, 4096):
        said += chunk
        if not asked and b"leave it:" in said:
            asked = True
            os.write(terminal, sys.argv[1].encode() + b"\\n")
except OSError: pass
print(said.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))"""


class Coolify:
    def __init__(self, place, commits):
        self.place, self.commits = place, commits
        history = [commits["before"], commits["v1"]]
        reset = {"branches": {"main": commits["v1"]}, "history": history, "build": 0.5}
        place.environment["DATA"] = str(place.directory / "data")
        place.start(["/usr/bin/python3", ROOT / "tests" / "coolify" / "coolify.py", "--port", API, "--app-port", APP, "--git",
                     place.directory / "news.git", "--run", "python3 app.py", "--work", place.directory / "containers",
                     "--reset", json.dumps(reset)])
        place.wait("Coolify and the application are up", lambda: self.serves("v1"))

    def control(self, **wanted):
        data = json.dumps(wanted).encode() if wanted else None
        with urllib.request.urlopen(urllib.request.Request(CONTROL, data=data), timeout=10) as answer:
            return json.load(answer)

    def serves(self, version):
        """What the application says of itself, asked without backout."""
        status, body = self.place.get(f"http://127.0.0.1:{APP}/version")
        return status == 200 and json.loads(body)["commit"] == self.commits[version]

    def auto_deploy(self):
        return self.control()["settings"]["is_auto_deploy_enabled"]


def begin(place):
    place.repository(place.directory / "news.git", place.example, ["v1", "v2"])
    site = place.copy({"/srv/news/state": place.directory / "state", "/srv/news": place.site,
                       "/etc/cron.d/news": place.site / "news.cron",
                       "8080": APP, "8000": API, "first: 5m": "first: 25s", "10m": "20s"})
    git = f"git -C {place.directory}/news.git"
    commits = {tag: place.sh(f"{git} rev-parse '{tag}^{{commit}}'", quiet=True).strip() for tag in ("v1", "v2")}
    # One that went out once, and that nobody gave a name.
    commit = f"{git} -c user.name=Team -c user.email=team@example.com commit-tree 'v1^{{tree}}' -m one"
    commits["before"] = place.sh(commit, quiet=True).strip()
    place.sh(f"{git} update-ref refs/heads/old {commits['before']}", quiet=True)
    place.sh(f"{git} update-ref refs/heads/main {commits['v1']}", quiet=True)
    place.sh(f"git clone -q {place.directory}/news.git {site}/clone", quiet=True)
    # What a git host does after each push.
    hook = place.directory / "news.git" / "hooks" / "post-receive"
    hook.write_text("#!/bin/sh\nwhile read -r old new ref; do\n  curl -fsS -o /dev/null -X POST "
                    f"-d '{{\"push\": [\"'\"${{ref#refs/heads/}}\"'\", \"'\"$new\"'\"]}}' {CONTROL}\ndone\n")
    hook.chmod(0o755)
    place.environment["COOLIFY_TOKEN"] = "all"
    return site, git, Coolify(place, commits)


def looks_before(place, coolify):
    """What is missing is named beforehand."""
    place.environment["COOLIFY_TOKEN"] = "nobody"
    expect("does not take the token" in place.backout("ready", ends=(3,)), "ready does not see that the token is refused")
    place.environment["COOLIFY_TOKEN"] = "read"
    expect("may not write and not deploy" in place.backout("ready", ends=(3,)), "ready does not see what the token may not")
    place.environment["COOLIFY_TOKEN"] = "all"
    said = place.backout("ready", "-v", ends=(0, 3))
    expect("auto-deploy of shop is on" in said, "ready does not tell of auto-deploy")
    expect(coolify.serves("v2"), "looking has changed something")


def run(place):
    site, git, coolify = begin(place)
    cron = (site / "news.cron").read_text()
    place.sh(f"curl -fsS -X POST http://127.0.0.1:{APP}/search/rebuild", quiet=True)
    place.backout("lint")
    place.backout("record", "v1")
    place.backout("good", "v1")

    push = ["git", "-C", "clone", "push", "-q", "origin", "v2^{commit}:main"]
    said = place.backout("deploy", "--version", "v2", "--", *push, ends=(5,))
    expect("FAILED" not in said.split("watch")[0], "v2 was not good when it came out")
    expect(coolify.serves("v2"), "v2 does not serve")
    looks_before(place, coolify)
    place.sh(f"curl -fsS -X POST http://127.0.0.1:{APP}/search/rebuild", quiet=True)  # with v2: an index that v1 cannot read
    place.backout("decide", "--no-questions", "--explain", ends=(0, 3))
    plan = place.backout("plan")
    for words in ("auto-deploy off", "news.cron begins is paused", "Coolify deploys v1", "rebuild the search index"):
        expect(words in plan, f"the plan does not say: {words}")

    a_deployment_fails(place, site, git, coolify, cron)
    place.rolls_back(reason="no connection is left")
    expect(coolify.serves("v1"), "v1 does not serve")
    expect(place.get(f"http://127.0.0.1:{APP}/")[0] == 200, "/ does not answer")
    for kind in ("post", "comment", "podcast", "course"):
        found = json.loads(place.get(f"http://127.0.0.1:{APP}/search?type={kind}&q=number")[1])["count"]
        expect(found == 3, f"search finds {found} of type {kind}")
    tree = place.sh(f"{git} rev-parse 'main^{{tree}}' 'v1^{{tree}}'", quiet=True).split()
    expect(tree[0] == tree[1], "main has not the code of v1")
    expect(not coolify.auto_deploy(), "auto-deploy is on")
    paused = (site / "news.cron").read_text()
    expect(paused == cron.replace("*/10", "#backout-paused */10"), f"the cron job is not paused alone: {paused}")
    place.backout("verify")

    nothing_brings_it_back(place, coolify)
    report = place.backout("report")
    expect("no connection is left" in report and "v2" in report, "the report does not tell it")

    place.backout("resolve", "v2", "--cause", "connections were never given back", "--fix", "they are")
    expect(coolify.auto_deploy(), "auto-deploy does not go on")
    expect(coolify.control()["application"]["git_commit_sha"] == "HEAD", "the application is still set to the commit")
    expect((site / "news.cron").read_text() == cron, "the cron job does not go on as it was")
    expect(coolify.serves("v1"), "resolving has changed what serves")
    picks_what_nobody_recorded(place, coolify)


def picks_what_nobody_recorded(place, coolify):
    """A commit that Coolify deployed once is offered, and taken by its number."""
    pick = [place.backout_program, "rollback", "--pick", "--reason", "v1 is slow", "--yes"]
    said = place.sh(["/usr/bin/python3", "-c", ON_TERMINAL, "1", *pick])
    expect("Coolify deployment" in said, "what Coolify deployed is not offered")
    expect(coolify.serves("before"), "the commit that was picked does not serve")


def a_deployment_fails(place, site, git, coolify, cron):
    """Coolify cannot build v1: everything is as it was, and nothing stays paused."""
    coolify.control(faults={"fail": True})
    said = place.backout("rollback", "--yes", "--reason", "no connection is left", ends=(1,))
    expect("ended as failed" in said, "it is not said that the deployment failed")
    coolify.control(faults={"fail": False})
    expect(coolify.serves("v2") and coolify.auto_deploy(), "it is not as it was")
    expect(coolify.control()["application"]["git_commit_sha"] == "HEAD", "the application is still set to a commit")
    expect((site / "news.cron").read_text() == cron, "the cron job is still paused")
    tree = place.sh(f"{git} rev-parse 'main^{{tree}}' 'v2^{{tree}}'", quiet=True).split()
    expect(tree[0] == tree[1], "main has not the code of v2")


def nothing_brings_it_back(place, coolify):
    """A push deploys nothing; who turns auto-deploy on again is seen, and so is a deployment of the bad release."""
    before = len(coolify.control()["deployments"])
    coolify.control(push=["main", coolify.commits["v2"]])
    expect(len(coolify.control()["deployments"]) == before, "a push was deployed")
    place.backout("tick", ends=(0,))
    coolify.control(set={"is_auto_deploy_enabled": True})
    said = place.backout("verify", ends=(1, 3, 5))
    expect("auto-deploy of shop is on" in said, "nobody sees that auto-deploy was turned on again")
    coolify.control(push=["main", coolify.commits["v2"]])
    place.wait("v2 is back", lambda: coolify.serves("v2"))
    said = place.backout("tick", ends=(0, 1, 3, 5))
    expect("by a webhook" in said, "nobody sees that the bad release is back")
    coolify.control(set={"is_auto_deploy_enabled": False}, deploy=True)  # set to v1 as it is, it deploys v1
    place.wait("v1 is back", lambda: coolify.serves("v1"))
    place.wait("Coolify says so", lambda: coolify.control()["deployments"][-1]["status"] == "finished")
    place.backout("verify")
