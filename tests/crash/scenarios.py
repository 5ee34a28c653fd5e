"""What is done to a site in a case, and what must hold afterwards. Each returns a list of faults; empty is the promise."""
import os
import subprocess
from pathlib import Path

import oracle

POWERCUT = Path(__file__).resolve().parent.parent / "support" / "powercut.py"
ROLLBACK = ("rollback", "--reason", "matrix", "--yes")
DEPLOY = ("deploy", "--version", "v2", "--")


class NotReached(Exception):
    """The kill point was not passed: backout came to its end."""


def prepare(slot):
    """Two snapshots: `good` (v1 runs and is known-good) and `broken` (v2 was deployed, and rows were written since)."""
    slot.build()
    slot.deploy_by_hand("v1")
    slot.write(oracle.BEFORE)
    for mark in ("deploy-begun", "deploy-ended"):
        (slot.site / mark).unlink()
    slot.must("record", "v1")
    slot.must("good", "v1")
    slot.snapshot("good")
    slot.restore("good")
    slot.must(*DEPLOY, "sh", str(slot.site / "deploy.sh"), "v2")
    slot.write(oracle.SINCE)
    slot.layout.before_the_rollback(slot.site)
    slot.snapshot("broken")


def killed(slot, arguments, point, **more):
    ended = slot.run(*arguments, BACKOUT_KILL=point, **more)
    if not ended.killed:
        raise NotReached(f"exit status {ended.status}\n{ended.output}")
    return ended


def is_rollback(state):
    return state is not None and state[0] == "rollback"


def finish(slot, after, version, rows=None):
    """The faults that any case may have at its end. `after`: what the last commands said, for the report."""
    faults = oracle.faults_of_site(slot, version, rows)
    faults += oracle.faults_of_journal(slot)
    faults += oracle.faults_of_trace(slot)
    faults += second_resume(slot)
    return [*faults, f"said:\n{after}"] if faults else []


def second_resume(slot):
    before = oracle.effects(slot.events())
    ended = slot.run("resume")
    if oracle.effects(slot.events()) != before:
        return [f"a second resume did something: {ended.output}"]
    if "nothing to do" not in ended.output:
        return [f"a second resume does not say that there is nothing to do: {ended.output}"]
    return []


def carry_on(slot, ended_well=(0,)):
    """After a rollback was cut off: resumes it, or starts it when it had not begun. Returns (faults, what was said)."""
    if not is_rollback(oracle.run_state(slot.events())):
        faults = oracle.faults_of_site(slot, "v2")
        if faults:
            return [f"no run in the journal, yet {fault}" for fault in faults], ""
        ended = slot.run(*ROLLBACK)
    elif oracle.run_state(slot.events())[1] in ("running", "stopped"):
        ended = slot.run("resume")
    else:
        return [], ""
    return ([] if ended.status in ended_well else [f"carrying on: exit status {ended.status}"]), ended.output


def rollback_and_resume(slot, point, **more):
    slot.restore("broken")
    killed(slot, ROLLBACK, point, **more)
    faults, said = carry_on(slot)
    return faults + finish(slot, said, "v1")


def rollback_and_abort(slot, point, **more):
    slot.restore("broken")
    killed(slot, ROLLBACK, point, **more)
    state = oracle.run_state(slot.events())
    if not is_rollback(state) or state[1] not in ("running", "stopped"):
        return []  # nothing to abort: rollback_and_resume judges these
    ended = slot.run("abort")
    if ended.status == 0:
        return finish(slot, ended.output, "v2")
    # At the commit point there is no abort any more: once opening the door was intended, users may have been let in.
    if ended.status == 3 and ("opening" in ended.output or slot.text("door") == "open"):
        faults, said = carry_on(slot)
        return faults + finish(slot, said, "v1")
    return [f"abort: exit status {ended.status}\n{ended.output}"]


def rollback_killed_twice(slot, points, **more):
    """Killed, resumed, killed again, resumed; the second point may not be reached, then the first resume was enough."""
    first, second = points.split("+")
    slot.restore("broken")
    killed(slot, ROLLBACK, first, **more)
    if is_rollback(oracle.run_state(slot.events())):
        slot.run("resume", BACKOUT_KILL=second, **more)
    faults, said = carry_on(slot)
    return faults + finish(slot, said, "v1")


def abort_killed_twice(slot, points, **more):
    """Killed, aborted, the abort killed, and taken up by `resume`, which goes on putting back."""
    first, second = points.split("+")
    slot.restore("broken")
    killed(slot, ROLLBACK, first, **more)
    if not is_rollback(oracle.run_state(slot.events())):
        return []
    if not slot.run("abort", BACKOUT_KILL=second, **more).killed:
        return []  # judged by rollback_and_abort
    turned = any(event["type"] == "run_turned" for event in slot.events())
    state = oracle.run_state(slot.events())
    ended = slot.run("resume") if state[1] in ("running", "stopped") else None
    if ended and ended.status != 0:
        return [f"taking up the abort: exit status {ended.status}\n{ended.output}"]
    return finish(slot, ended.output if ended else "", "v2" if turned else "v1")


def deploy_and_roll_back(slot, point, **more):
    slot.restore("good")
    killed(slot, (*DEPLOY, "sh", str(slot.site / "deploy.sh"), "v2"), point, **more)
    status = slot.run("status")
    ended = slot.run(*ROLLBACK)
    said = f"status:\n{status.output}\nrollback:\n{ended.output}"
    faults = faults_of_deploy(slot)
    nothing_done = not (slot.site / "deploy-begun").exists()
    if ended.status != 0 and not (nothing_done and ended.status == 3):
        faults.append(f"rollback after the killed deploy: exit status {ended.status}")
    return faults + finish(slot, said, "v1", oracle.ROWS_BEFORE)


def faults_of_deploy(slot):
    """What the journal says of the deploy command, against what the command itself left behind."""
    begun, ended = ((slot.site / name).exists() for name in ("deploy-begun", "deploy-ended"))
    told, runs = "never", []
    for event in slot.events():
        body = event["body"]
        if event["type"] == "step_ended" and body["step"] == "deploy-command":
            outcome = body["outcome"]
            told = "never" if "never started" in outcome["why"] else outcome["kind"]
        if event["type"] == "release_current":
            runs.append(body["version"])
    truth = "applied" if ended else "failed" if begun else "never"
    faults = [] if told == truth else [f"the deploy command: the journal says {told}, the truth is {truth}"]
    if "v2" in runs and not begun:
        faults.append("the journal says that v2 ran, but its deploy command never started")
    return faults


def power_cut(slot, point, library, names, seed, **more):
    """Killed, and in the same moment everything else, and the disk forgets what was not synced."""
    slot.restore("broken")
    store = slot.base / "store"
    subprocess.run([POWERCUT, "arm", slot.root, store], check=True)
    layer = {"LD_PRELOAD": library, "FORGETFUL_ROOT": str(slot.root), "FORGETFUL_STORE": str(store),
             "ASAN_OPTIONS": "verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", "")}
    killed(slot, ROLLBACK, point, **layer, **more)
    slot.end_everything()
    subprocess.run([POWERCUT, "cut", slot.root, store, "--names", names, "--seed", str(seed)], check=True)
    with open(slot.trace, "a", encoding="utf-8") as trace:
        trace.write("cut - -\n")
    state = oracle.run_state(slot.events())
    if not is_rollback(state) or state[1] not in ("running", "stopped"):
        slot.start_service()  # as the machine does when it boots; a run that is under way finds it stopped
    faults, said = carry_on(slot, ended_well=(0, 1))
    # A service that had been started is gone with the power; a run that finds it so may put everything back.
    aborted = oracle.run_state(slot.events())[1] == "aborted"
    return faults + finish(slot, said, "v2" if aborted else "v1")
