#!/usr/bin/python3
"""The course of one project, run on its machine: course.py PROJECT [--init]. Started by run.py.

A project is a folder here: v1/ v2/ v3/ (each laid over the one before; a git tag each), host/ (laid over /), project.py, and
answers where init cannot see what it needs.

    the way back   its team's deploy.sh v1; backout init; lint; record v1, good; deploy v2, good; deploy v3,
                   which breaks for users; rollback; and the oracle looks at the machine, without asking backout
    a lying tool   deploy v4 (v3 once more); one tool says that it did what it did not; the rollback must not end in 0 or say
                   that it worked, and must say what is wrong; the tool mended, backout brings v2 back, and the oracle looks again
"""
import importlib.util
import sys
import time
import traceback
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
import machine  # noqa: E402
from project import LIED, Failed  # noqa: E402

HERE = Path(__file__).resolve().parent
VERIFIED = "Rolled back and verified"


def load(name):
    spec = importlib.util.spec_from_file_location(f"project_{name.replace('-', '_')}", HERE / name / "project.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.PROJECT(HERE / name)


def the_way_back(project):
    project.install()
    project.init()
    project.backout("lint")
    project.backout("record", "v1")
    project.backout("verify")
    project.backout("good", "v1")
    project.customers.begin()
    project.customers.have_written(5)
    project.deploy("v2", (0,))
    project.backout("good", "v2")
    project.customers.have_written(5)
    project.deploy("v3", project.BAD_DEPLOY_ENDS)
    project.break_later()
    project.customers.have_tried(10)
    project.rolls_back("v3")


def a_lying_tool(project):
    project.deploy("v4", project.BAD_DEPLOY_ENDS)
    project.break_later()
    project.customers.have_tried(10)
    LIED.touch()
    LIED.chmod(0o666)
    project.tell_the_lie()
    status, said = project.run("rollback", "--yes", "--reason", "broken again")
    project.end_the_lie()
    if not LIED.stat().st_size:
        raise Failed(f"{project.LIAR} was never asked to lie, so nothing is shown")
    if not (wrong := project.faults("v2")):
        raise Failed(f"under the lie of {project.LIAR} the site is wholly v2: 0 would have been the truth")
    machine.note(f"under the lie the oracle sees: {'; '.join(wrong)}")
    if status in (0, 2) or VERIFIED in said:
        raise Failed(f"under the lie of {project.LIAR} the rollback ended in {status}")
    reason = "\n".join(line for line in said.splitlines() if line.startswith("NOT "))  # the plan has many of these words too
    if lacking := [words for words in project.NAMES if not any(word in reason for word in words.split(" | "))]:
        raise Failed(f"its reason does not say {lacking}: {reason}")
    project.mend(said)


def only_init(project):
    """What init makes of it: for who works on init."""
    project.install()
    try:
        project.init()
        project.run("lint")
    finally:
        machine.sh(f"cat {project.root}/backout.yaml", ends=())


def main():
    project = load(sys.argv[1])
    if "--init" in sys.argv:
        try:
            only_init(project)
        finally:
            print("\n".join(machine.told()))
        return 0
    failed = False
    for case, course in (("the way back", the_way_back), ("a lying tool", a_lying_tool)):
        began = time.monotonic()
        try:
            if failed:
                raise Failed("not reached")
            course(project)
            state, words = "passed", f"{time.monotonic() - began:.1f} s"
        except Failed as fault:
            failed, state, words = True, "FAILED", str(fault)
        except Exception:
            failed, state, words = True, "FAILED", traceback.format_exc()
        print("\n".join(["", f"=== {state} {case}", words, *machine.told()]), flush=True)
    project.customers.end()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
