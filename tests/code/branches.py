"""A platform that deploys whatever is pushed to a branch: a post-receive hook of the real git brings the code to base/live."""
from site_of import Site, expect, expect_words

CHECK = "  - run: 'test \"$(cat {base}/live/VERSION)\" = {{{{version}}}}'\n    name: what the platform runs\n    attempts: 3\n    every: 300ms"


def prepare(base, backout, how, merged=True, remote_is="{base}/origin.git"):
    """v1 is known-good. v2 came by a merge, and its fix by a commit; both are on main, which the platform deploys."""
    site = Site(base, backout)
    site.sh("git init -q -b main work; mkdir live")
    (base / "work" / "app.txt").write_text("one\n")
    site.sh("echo v1 >VERSION; git add -A; git commit -q -m v1; git tag v1", base / "work")
    site.sh("git clone -q --bare work origin.git; git clone -q --bare origin.git clone.git; "
            "git -C clone.git remote set-url origin ../origin.git || git -C clone.git remote add origin ../origin.git")
    (base / "origin.git" / "hooks" / "post-receive").write_text(
        f"#!/bin/sh\nwhile read -r old new ref; do\n  case $ref in refs/heads/main) git --work-tree={base}/live checkout -q -f main ;; esac\ndone\n")
    (base / "origin.git" / "hooks" / "post-receive").chmod(0o755)
    site.sh(f"git --git-dir=origin.git --work-tree={base}/live checkout -q -f main")
    site.configure(f"code: {{layout: branch, path: clone.git, branch: {{name: main, remote: {remote_is.format(base=base)}, how: {how}}}}}",
                   CHECK.format(base=base))
    site.must("record", "v1")
    site.must("good", "v1")
    merge = "git checkout -q -b feature; echo two >app.txt; echo new >new.txt; git add -A; git commit -q -m feature; git checkout -q main; " \
        "git merge -q --no-ff -m 'merge feature' feature; " if merged else "echo two >app.txt; git commit -q -a -m 'v2 itself'; "
    (base / "deploy.sh").write_text(f"set -e\ncd {base}/work\n{merge}echo v2 >VERSION; git add -A; git commit -q -m v2; git tag v2\n"
                                    f"git push -q {base}/origin.git main v2\n")
    site.must("deploy", "--version", "v2", "--", "sh", str(base / "deploy.sh"))
    return site


def remote(site, what):
    return site.sh(f"git --git-dir=origin.git rev-parse '{what}' 2>/dev/null || echo none")


def serves(site, version):
    live = (site.base / "live" / "VERSION").read_text().strip()
    return expect(live == version, f"the platform runs {live}, not {version}") + \
        expect(remote(site, "main^{tree}") == remote(site, f"{version}^{{tree}}"), f"main has not the tree of {version}")


def revert(base, backout):
    site = prepare(base, backout, "revert")
    head = remote(site, "main")
    ended = site.rollback()
    faults = expect(ended.status == 0, f"exit status {ended.status}\n{ended.output}") + serves(site, "v1")
    log = site.sh("git --git-dir=origin.git log --format=%s main")
    faults += expect('Revert "merge feature"' in log, f"the merge was not reverted by itself:\n{log}")
    faults += expect(site.sh(f"git --git-dir=origin.git merge-base --is-ancestor {head} main && echo yes || echo no") == "yes", "history was lost")
    ended = site.rollback("--forward")
    return faults + expect(ended.status == 0, f"forward: exit status {ended.status}\n{ended.output}") + serves(site, "v2")


def reset(base, backout):
    site = prepare(base, backout, "reset", merged=False)
    ended = site.rollback()
    return expect(ended.status == 0, f"exit status {ended.status}\n{ended.output}") + serves(site, "v1") + \
        expect(remote(site, "main") == remote(site, "v1^{commit}"), "main is not v1 itself")


def beside(base, backout):
    """The platform is told by a command of the team which branch to deploy."""
    site = prepare(base, backout, "branch")
    head = remote(site, "main")
    with open(base / "backout.yaml", "a", encoding="utf-8") as file:
        file.write(f"commands:\n  - name: platform\n    phase: start\n    run: \"git --git-dir={base}/origin.git --work-tree={base}/live checkout -q -f "
                   "$(git --git-dir=origin.git for-each-ref --format='%(refname:short)' 'refs/heads/rollback/*')\"\n")
    ended = site.rollback()
    live = (base / "live" / "VERSION").read_text().strip()
    return expect(ended.status == 0, f"exit status {ended.status}\n{ended.output}") + expect(live == "v1", f"the platform runs {live}") + \
        expect(remote(site, "main") == head, "main was moved")


def undone(base, backout):
    """A check fails after the push: the branch gets the tree back that it had."""
    faults = []
    for how in ("revert", "reset", "branch"):
        site = prepare(base / how, backout, how)
        head = remote(site, "main")
        yaml = site.base / "backout.yaml"
        yaml.write_text(yaml.read_text().replace("watch:", "  - {run: 'false', name: never, attempts: 1}\nwatch:"))
        ended = site.rollback()
        faults += expect(ended.status == 1, f"{how}: exit status {ended.status}\n{ended.output}")
        faults += [f"{how}: {fault}" for fault in serves(site, "v2")]
        if how != "revert":
            faults += expect(remote(site, "main") == head, f"{how}: main is another commit than before")
        faults += expect("rollback/" not in site.sh("git --git-dir=origin.git branch"), f"{how}: a rollback branch was left")
    return faults


def refused(base, backout):
    """A protected branch, and a branch that moved: nothing is pushed, and it says who refused."""
    site = prepare(base, backout, "revert")
    hook = base / "origin.git" / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'GH006: Protected branch update failed' >&2\nexit 1\n")
    hook.chmod(0o755)
    ended = site.rollback()
    faults = expect(ended.status == 1, f"protected: exit status {ended.status}\n{ended.output}")
    faults += expect_words(ended, "refused the push to main", "GH006: Protected branch") + serves(site, "v2")
    hook.unlink()
    plan = next(line.split()[1] for line in site.must("plan").splitlines() if line.startswith("Plan "))
    site.sh(f"git commit -q --allow-empty -m more; git push -q {base}/origin.git main", base / "work")
    ended = site.run("rollback", "--plan", plan, "--reason", "x", "--yes")
    return faults + expect(ended.status == 3, f"moved: exit status {ended.status}\n{ended.output}") + expect_words(ended, "stale")


def colleague_pushes(site, *subjects):
    """Somebody else's commits, on top of what is deployed; the tip."""
    for number, subject in enumerate(subjects):
        (site.base / "work" / f"other-{number}-{len(subject)}.txt").write_text(subject)
        site.sh(f"git add -A; GIT_AUTHOR_NAME='Dana <b>' git commit -q -m \"$(cat other-{number}-{len(subject)}.txt)\"", site.base / "work")
    site.sh(f"git push -q {site.base}/origin.git main", site.base / "work")
    return remote(site, "main")


def others(base, backout):
    """What others pushed after the release is named in the plan, kept under a ref, and named in the last words and in the report."""
    faults = []
    for how, verb in (("revert", "reverted with it"), ("reset", "dropped from it")):
        site = prepare(base / how, backout, how)
        subjects = [f"fix {number}" for number in range(11)] + ["evil \x1b[31mred"]
        tip = colleague_pushes(site, *subjects)
        plan = site.run("plan")
        words = ["12 commits that came to main after v2", verb, f"- {tip[:7]} Dana b: evil", "fix 2", "and 2 more"]
        faults += [f"{how}: {fault}" for fault in expect_words(plan, *words) +
                   expect("fix 1\n" not in plan.output, "more than ten are listed") + expect("\x1b" not in plan.output, "the terminal is steered")]
        ended = site.rollback()
        faults += expect(ended.status == 0, f"{how}: exit status {ended.status}\n{ended.output}") + serves(site, "v1")
        kept = site.sh("git -C clone.git for-each-ref --format='%(refname) %(objectname)' refs/backout/dropped-\\*").split()
        faults += expect(kept[1:] == [tip], f"{how}: kept is {kept}, the tip was {tip}")
        for told in (ended, site.run("report")):
            faults += [f"{how}: {fault}" for fault in expect_words(told, "12 commits that came to main after v2", *kept[:1], "fix 2")]
        ended = site.rollback("--forward")
        faults += expect(ended.status == 0, f"{how}: forward: exit status {ended.status}\n{ended.output}")
    site = prepare(base / "none", backout, "reset")
    return faults + expect("that came to main" not in site.run("plan").output, "the release's own commits are told as those of others")


def between(base, backout):
    """A push that comes between the last look and our own push is refused by the lease, and not written over."""
    faults = []
    for how in ("revert", "reset"):
        site = prepare(base / how, backout, how, remote_is="origin")
        racer = site.base / "receive.sh"
        racer.write_text(f"#!/bin/sh\nif [ ! -e {site.base}/raced ]; then touch {site.base}/raced; (unset GIT_DIR; cd {site.base}/work; "
                         f"git commit -q --allow-empty -m race; git push -q --receive-pack=git-receive-pack {site.base}/origin.git main) >&2; fi\n"
                         "exec git-receive-pack \"$@\"\n")
        racer.chmod(0o755)
        site.sh(f"git -C clone.git config remote.origin.receivepack {racer}")
        ended = site.rollback()
        faults += expect(ended.status in (1, 5), f"{how}: exit status {ended.status}\n{ended.output}")
        faults += expect((site.base / "raced").exists(), f"{how}: there was no race")
        faults += expect(site.sh("git --git-dir=origin.git log -1 --format=%s main") == "race", f"{how}: the push of somebody else was written over")
    return faults


def verified(base, backout):
    """`verify` looks at the branch at the remote: a branch that somebody moved away again is not verified."""
    faults = []
    for how in ("revert", "reset", "branch"):
        site = prepare(base / how, backout, how)
        faults += expect(site.run("verify").status == 0, f"{how}: after the deploy\n{site.run('verify').output}")
        yaml = site.base / "backout.yaml"
        yaml.write_text(yaml.read_text().replace("cat {}/live/VERSION".format(site.base), "echo v1").replace("{{version}}", "v1"))
        ended = site.rollback()
        faults += expect(ended.status == 0, f"{how}: exit status {ended.status}\n{ended.output}")
        seen = site.run("verify")
        faults += expect(seen.status == 0, f"{how}: after the rollback: {seen.status}\n{seen.output}")
        if how == "branch":
            site.sh("git --git-dir=origin.git for-each-ref --format='delete %(refname)' 'refs/heads/rollback/*' | git --git-dir=origin.git update-ref --stdin")
        else:
            site.sh(f"git --git-dir=origin.git update-ref refs/heads/main {remote(site, 'v2^{commit}')}")
        seen = site.run("verify")
        faults += expect(seen.status != 0, f"{how}: a branch that is not at the target is verified\n{seen.output}")
        faults += [f"{how}: {fault}" for fault in expect_words(seen, "not the code of v1")]
    return faults


def lies(base, backout):
    """git says that it pushed, and did not."""
    faults = []
    for how in ("revert", "reset", "branch"):
        site = prepare(base / how, backout, how)
        head = remote(site, "main")
        lying = site.base / "lies"
        lying.mkdir()
        real = site.sh("command -v git")
        (lying / "git").write_text(f'#!/bin/sh\nfor word do [ "$word" != push ] || {{ echo "$*" >>{lying}/told; exit 0; }}; done\nexec {real} "$@"\n')
        (lying / "git").chmod(0o755)
        site.environment["PATH"] = f"{lying}:{site.environment['PATH']}"
        ended = site.rollback()
        faults += expect(ended.status in (1, 5), f"{how}: exit status {ended.status}\n{ended.output}")
        faults += expect((lying / "told").exists(), f"{how}: git was not asked to push")
        faults += expect(remote(site, "main") == head, f"{how}: main was moved") + [f"{how}: {fault}" for fault in serves(site, "v2")]
    return faults


CASES = {f"branch-{case.__name__}": (case, lambda: "") for case in (revert, reset, beside, undone, refused, others, between, verified, lies)}
