"""What a liar is, and how it is judged: three rollbacks from the same state, with v2 running and broken.

    honest     nothing lies: exit status 0, and the site is v1 by an oracle that never asks backout (once for cases that share it)
    lying      exactly one thing lies: the exit status is not 0, nothing says "verified", and who disagreed is named
    believed   the same lie, told to a runbook's eyes (site/*believed.yaml): it ends in 0 while the site is not v1, so the lie is one
"""
import sys
from pathlib import Path
from typing import Callable, NamedTuple

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "crash"))
import oracle  # noqa: E402
import scenarios  # noqa: E402

VERIFIED = "Rolled back and verified"


class Liar(NamedTuple):
    tell: Callable  # (site): switches the lie on; returns a function that gives the words backout must say
    checks: str = ""  # instead of the site's own checks
    believed_checks: str = ""


def words_missing(said, words):
    return [f"does not say '{word}'" for word in words if word not in said]


def honest(site, liar):
    site.restore("broken")
    site.configure("verified", liar.checks)
    ended = site.run(*scenarios.ROLLBACK)
    faults = [] if ended.status == 0 else [f"exit status {ended.status}, expected 0"]
    faults += words_missing(ended.output, [f"{VERIFIED}: v1 serves."])
    return faults + site.faults("v1"), ended.output


def lying(site, liar):
    site.restore("broken")
    site.configure("verified", liar.checks)
    words = liar.tell(site)
    ended = site.run(*scenarios.ROLLBACK)
    faults = [] if ended.status in (1, 5) else [f"exit status {ended.status}, expected 1 or 5"]
    faults += [f"says '{VERIFIED}'"] if VERIFIED in ended.output else []
    faults += words_missing(ended.output, words())
    kind, result = oracle.run_state(site.events()) or ("none", "none")
    faults += [f"the journal says that the {kind} is done"] if result == "done" else []
    if ended.status == 1:  # then it promises that everything was put back
        faults += [f"exit status 1, but {fault}" for fault in site.faults("v2")]
    return faults, ended.output


def believed(site, liar):
    site.restore("broken")
    site.configure("believed", liar.believed_checks)
    liar.tell(site)
    ended = site.run(*scenarios.ROLLBACK)
    faults = [] if ended.status == 0 else [f"exit status {ended.status}: not even a runbook would believe it"]
    faults += [] if site.faults("v1") else ["the site is v1 all the same: nobody was lied to"]
    return faults, ended.output


def faults_of(site, liar, show=None):
    """What is wrong with the case; empty when the liar is caught and nobody else is. `show`: called with each run's words."""
    faults = []
    for run in (honest, lying, believed):
        if run is honest and liar.checks in site.honest_with:
            continue  # the same rollback from the same state: it ended in 0 before
        found, said = run(site, liar)
        if show:
            show(run.__name__, said)
        if run is honest and not found:
            site.honest_with.add(liar.checks)
        faults += [f"{run.__name__}: {fault}" for fault in found]
        faults += [f"  | {line}" for line in said.splitlines()] if found else []
    return faults
