#!/usr/bin/python3
"""Named cases beside the matrix, each in prepare and in cutover: a full disk, commands that hang, children that outlive the
controller, a clock that jumps, a frozen controller, two at once.

    named.py --backout build/dev/backout [--case NAME]... [--list]

Runs in a mount namespace of its own, so that its small file systems are gone with it.
"""
import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

sys.dont_write_bytecode = True
import oracle  # noqa: E402
import processes  # noqa: E402
import scenarios  # noqa: E402
from slot import Slot  # noqa: E402

PHASES = {"prepare": "prepare", "cutover": "switch"}
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"


def wait_for(holds, what, seconds=30):
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what} did not happen within {seconds} s")
        time.sleep(0.005)


def started(slot, name):
    return f"start {name} " in slot.trace.read_text()


def start_until_warm(slot, seconds, **more):
    """A rollback in its own words, standing in the command 'warm', which takes `seconds`."""
    slot.restore("broken")
    (slot.site / "slow-warm").write_text(str(seconds))
    child = slot.start(*scenarios.ROLLBACK, **more)
    wait_for(lambda: started(slot, "warm") or child.poll() is not None, "the command 'warm'")
    if child.poll() is not None:
        raise RuntimeError(f"the rollback ended before 'warm': {child.communicate()[0]}")
    return child


def judge(slot, ended, resume_more=None):
    """Whatever the end was, it must be true: 0 is wholly new, 1 is wholly old; a stop is resumed to one of them."""
    said = ended.output
    if ended.status in (4, 5):
        ended = slot.run("resume", **(resume_more or {}))
        said += "\nresume:\n" + ended.output
    if ended.status not in (0, 1):
        return [f"exit status {ended.status}\n{said}"]
    return scenarios.finish(slot, said, "v1" if ended.status == 0 else "v2")


# --- a full disk ------------------------------------------------------------------------------------------------------


def fill(path, leave):
    """A shell script that takes all space but `leave` kilobytes."""
    return f"""
free=$(df -k --output=avail {path} | tail -n 1)
head -c $(((free - {leave}) * 1024)) /dev/zero >{path}/ballast
"""


def disk_full(slot, leave):
    """Full from the command 'warm' on, in whichever phase that is."""
    slot.restore("broken")
    (slot.site / "at-warm").write_text(fill(slot.root, leave))
    ended = slot.run(*scenarios.ROLLBACK)
    if "ballast" not in os.listdir(slot.root):
        return [f"the disk was never filled:\n{ended.output}"]
    os.unlink(slot.root / "ballast")
    os.unlink(slot.site / "at-warm")
    if ended.status == 5:  # the journal had room, a step had none and said so: what failed is tried again when it is asked for
        return judge(slot, slot.run("retry"))
    return judge(slot, ended)


def disk_full_from_the_start(slot, leave):
    """No room for the checkpoint's restore: refused or put back, and it works once there is room."""
    slot.restore("broken")
    subprocess.run(["sh", "-c", fill(slot.root, leave)], check=True)
    ended = slot.run(*scenarios.ROLLBACK)
    os.unlink(slot.root / "ballast")
    if ended.status in (1, 3):
        faults = oracle.faults_of_site(slot, "v2")
        if faults:
            return faults + [f"said:\n{ended.output}"]
        ended = slot.run(*scenarios.ROLLBACK)
    return judge(slot, ended)


# --- commands that hang, children that outlive ------------------------------------------------------------------------


def command_hangs(slot):
    slot.restore("broken")
    (slot.site / "slow-warm").write_text("1000")
    began = time.monotonic()
    ended = slot.run(*scenarios.ROLLBACK)
    took = time.monotonic() - began
    faults = [] if ended.status == 1 else [f"exit status {ended.status}, not 1: it hung and everything is put back"]
    faults += [f"it took {took:.0f} s"] if took > 25 else []
    left = [processes.command_of(pid) for pid in processes.of(slot.base) if "1000" in processes.command_of(pid)]
    faults += [f"the hanging command still lives: {left}"] if left else []
    return faults + judge(slot, ended)


def child_outlives(slot, then):
    """The controller is killed while a command runs. What comes next waits for it or ends it, and never runs it beside itself."""
    child = start_until_warm(slot, 1.5)
    child.kill()
    child.communicate()
    if not [pid for pid in processes.of(slot.base) if "act.sh warm" in processes.command_of(pid)]:
        return ["the command did not outlive its controller: this case proves nothing"]
    ended = slot.run(then)
    trace = slot.trace.read_text()
    faults = [] if ended.status == 0 else [f"{then}: exit status {ended.status}"]
    if then == "resume" and trace.count("start warm ") != 1:
        faults.append(f"the command was started {trace.count('start warm ')} times")
    return faults + scenarios.finish(slot, ended.output, "v1" if then == "resume" else "v2")


# --- clocks -----------------------------------------------------------------------------------------------------------


def clock_jumps(slot, days):
    """The wall clock jumps while the run goes on, and is set right later. Boot time does not jump."""
    if not os.path.exists(FAKETIME):
        raise RuntimeError("libfaketime is not installed: apt-get install faketime")
    slot.restore("broken")
    clock = slot.base / "clock"
    clock.write_text("+0d\n")
    (slot.site / "at-warm").write_text(f"echo '{days:+}d' >{clock}\n")
    fake = {"LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    ended = slot.run(*scenarios.ROLLBACK, **fake)
    if clock.read_text().strip() == "+0d":
        return [f"the clock never jumped:\n{ended.output}"]
    faults = [f"a duration is negative: {event['type']} {event['body']}" for event in slot.events()
              if event["type"] in ("attempt_ended", "step_ended") and
              min(event["body"].get("took_ms", 0), event["body"].get("outcome", {}).get("took_ms", 0)) < 0]
    return faults + judge(slot, ended)


def resumed_at_another_time(slot, days):
    """Killed, and resumed by a controller whose clock is days off; the target's own clock is right."""
    child = start_until_warm(slot, 0.3)
    child.kill()
    child.communicate()
    ended = slot.run("resume", LD_PRELOAD=FAKETIME, FAKETIME=f"{days:+}d", FAKETIME_DONT_FAKE_MONOTONIC="1",
                     FAKETIME_ONLY_CMDS=os.path.basename(slot.backout))
    return ([] if ended.status == 0 else [f"exit status {ended.status}"]) + judge(slot, ended)


# --- two controllers --------------------------------------------------------------------------------------------------


def frozen(slot):
    """Frozen past its lease, replaced by another, thawed: it touches nothing any more."""
    child = start_until_warm(slot, 0.5, BACKOUT_LEASE_TTL_MS="400")
    os.kill(child.pid, signal.SIGSTOP)
    time.sleep(1.0)
    ended = slot.run("resume", BACKOUT_LEASE_TTL_MS="400")
    faults = [] if ended.status == 0 else [f"the other could not take over: exit status {ended.status}\n{ended.output}"]
    before, trace = oracle.effects(slot.events()), slot.trace.read_text()
    os.kill(child.pid, signal.SIGCONT)
    thawed = child.communicate(timeout=30)[0]
    if child.returncode not in (3, 4):
        faults.append(f"the thawed one ended with exit status {child.returncode}")
    if oracle.effects(slot.events()) != before:
        faults.append("the thawed one wrote to the journal")
    if slot.trace.read_text() != trace:
        faults.append("the thawed one ran a command")
    return faults + scenarios.finish(slot, f"{ended.output}\nthawed:\n{thawed}", "v1")


def two_at_once(slot):
    """The second is refused, with who holds the site, and the first is not disturbed."""
    child = start_until_warm(slot, 1.0)
    second = slot.run(*scenarios.ROLLBACK)
    faults = [] if second.status == 3 else [f"the second: exit status {second.status}\n{second.output}"]
    if str(child.pid) not in second.output:
        faults.append(f"the refusal does not name the holder (process {child.pid}): {second.output}")
    said = child.communicate(timeout=60)[0]
    if child.returncode != 0:
        faults.append(f"the first: exit status {child.returncode}")
    return faults + scenarios.finish(slot, said, "v1")


CASES = {
    "disk-full": lambda slot: disk_full(slot, 0),
    "disk-nearly-full": lambda slot: disk_full(slot, 64),
    "disk-full-from-the-start": lambda slot: disk_full_from_the_start(slot, 0),
    "command-hangs": command_hangs,
    "child-outlives-then-resume": lambda slot: child_outlives(slot, "resume"),
    "child-outlives-then-abort": lambda slot: child_outlives(slot, "abort"),
    "clock-jumps-back": lambda slot: clock_jumps(slot, -10),
    "clock-jumps-ahead": lambda slot: clock_jumps(slot, 10),
    "resumed-in-the-past": lambda slot: resumed_at_another_time(slot, -400),
    "resumed-in-the-future": lambda slot: resumed_at_another_time(slot, 400),
    "frozen-controller": frozen,
    "two-at-once": two_at_once,
}


def run_phase(phase, names, backout, directory):
    base = Path(directory, phase)
    (base / "root").mkdir(parents=True)
    if any(name.startswith("disk") for name in names):
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", base / "root"], check=True)
    slot = Slot(base, backout, warm_phase=PHASES[phase], command_timeout="3s")
    failed = []
    try:
        scenarios.prepare(slot)
        for name in names:
            began = time.monotonic()
            try:
                faults = CASES[name](slot)
            except Exception:
                faults = [traceback.format_exc()]
            slot.end_everything()
            print(f"{'FAILED' if faults else 'held  '} {name} in {phase}  {time.monotonic() - began:.1f} s", flush=True)
            for fault in faults:
                print("\n".join(f"  {line}" for line in fault.splitlines()), flush=True)
            failed += [f"{name} in {phase}"] if faults else []
    finally:
        slot.end_everything()
        subprocess.run(["umount", base / "root"], check=False, capture_output=True)
    return failed


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--backout", required=True)
    options.add_argument("--case", action="append", choices=list(CASES))
    options.add_argument("--list", action="store_true")
    given = options.parse_args()
    if given.list:
        print("\n".join(CASES))
        return 0
    if "BACKOUT_NAMED_INSIDE" not in os.environ:
        os.environ["BACKOUT_NAMED_INSIDE"] = "1"
        own = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
        os.execvp("unshare", [*own, sys.executable, *sys.argv])
    names = given.case or list(CASES)
    directory = tempfile.mkdtemp(prefix="backout-named-")
    try:
        failed = [fault for phase in PHASES for fault in run_phase(phase, names, given.backout, directory)]
    finally:
        shutil.rmtree(directory)
    print(f"{len(names) * len(PHASES)} cases, {len(failed)} failed{': ' + ', '.join(failed) if failed else ''}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
