"""What becomes of a release whose requests fail, or do not, as its access log tells."""
import shutil
import subprocess
import time
from typing import Callable, NamedTuple

from stand import NGINX
from traffic import Traffic

RATE = 100  # requests a second
SEED = 20240607


class Case(NamedTuple):
    judge: Callable  # (stand) -> lines to print, or None; raises what is wrong
    more: str  # of backout.yaml
    missing: Callable = lambda: "" if shutil.which(NGINX) else NGINX


LOG = "signals:\n  - {access_log: @ROOT@/nginx/access.log}\n"


def customers(stand, rate=RATE):
    return Traffic(stand.words["DOOR"], rate, SEED)


def expect(true, words, ended=None):
    if not true:
        raise AssertionError(words + (f"\nexit status {ended.returncode}\n{ended.stdout}{ended.stderr}" if ended else ""))


def verdict_of(stand, wanted=("roll-back", "needs-approval")):
    """The first verdict of one of these kinds, and when it was given (seconds since 1970)."""
    for event in stand.events("verdict_given"):
        if event["body"]["verdict"]["verdict"] in wanted:
            return event["body"]["verdict"], event["at_ms"] / 1000
    raise AssertionError(f"no verdict {' or '.join(wanted)}: {stand.events('verdict_given')}")


def seconds_to(at, first):
    return f"{at - first:.1f} s from the first request that failed to the verdict"


def a_bad_release_is_seen(stand):
    with customers(stand) as traffic:
        time.sleep(8)  # the old release's habits
        stand.fault("v2", 0.1)
        began = time.time()
        ended = stand.deploy("v2")
        expect(ended.returncode == 5, "a bad release was deployed, and it was called good", ended)
        verdict, at = verdict_of(stand)
        first = traffic.first_failure(began)
        alarms = [each for each in verdict["evidence"] if each["state"] == "alarm"]
        expect(alarms and alarms[0]["decibels"] >= alarms[0]["needed"] > 60, f"without evidence: {verdict}")
        expect(at - first < 20, f"it took {at - first:.1f} s")
        expect(stand.serves() == "v2", "it went back without having been asked to")
        status, again = stand.json("decide", "--no-questions")
        expect(status == 3 and again["verdict"] == verdict["verdict"], f"decide says another thing: {again}")
        expect(again["inputs_hash"] != "", "without a hash")
    return [seconds_to(at, first), f"{alarms[0]['bad']} of {alarms[0]['votes']} votes bad, {alarms[0]['decibels']:.1f} of "
            f"{alarms[0]['needed']:.1f} dB"]


def a_good_release_is_left_alone(stand):
    with customers(stand):
        time.sleep(8)
        ended = stand.deploy("v2")
        expect(ended.returncode == 0, "a good release was not let be", ended)
        expect("votes bad" in ended.stdout, "what was seen of it is not told", ended)
        kinds = {event["body"]["verdict"]["verdict"] for event in stand.events("verdict_given")}
        expect(kinds <= {"monitor"}, f"verdicts: {kinds}")
        status, decision = stand.json("decide", "--no-questions")
        expect(status == 0 and decision["verdict"] == "monitor" and not decision["blind"], f"{decision}")


def nothing_seen_is_not_good(stand):
    (stand.root / "nginx" / "access.log").rename(stand.root / "nginx" / "moved.log")  # nginx goes on writing there
    ended = stand.deploy("v2")
    expect(ended.returncode == 5 and "BLIND" in ended.stdout + ended.stderr, "blind, and called good", ended)
    status, decision = stand.json("decide", "--no-questions")
    expect(status == 3 and decision["blind"], f"{decision}")


def it_goes_back_by_itself_once_an_hour(stand):
    with customers(stand) as traffic:
        time.sleep(8)
        stand.fault("v2", 0.5)
        began = time.time()
        ended = stand.deploy("v2")
        expect(ended.returncode == 1, "not put back", ended)
        expect(stand.serves() == "v1", "the old release does not serve", ended)
        verdict, at = verdict_of(stand, ("roll-back",))
        first = traffic.first_failure(began)
        started = [event["body"] for event in stand.events("run_started") if event["body"]["kind"] == "rollback"]
        expect(len(started) == 1 and started[0].get("automatic"), f"{started}", ended)
        over = time.time()
        stand.fault("v3", 0.5)
        ended = stand.deploy("v3")
        expect(ended.returncode == 5 and stand.serves() == "v3", "a second time within the hour", ended)
    return [seconds_to(at, first), f"{over - first:.1f} s from it until the old release served again, "
            f"{traffic.failures(first, over)} requests failed"]


def what_begins_late_is_seen(stand):
    with customers(stand) as traffic:
        time.sleep(5)
        ended = stand.deploy("v2")
        expect(ended.returncode == 0, "", ended)
        watch = subprocess.Popen([stand.backout, "-f", stand.root / "backout.yaml", "watch", "--for", "30s", "--every", "5s"],
                                 cwd=stand.root, env=stand.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True)
        time.sleep(10)
        stand.fault("v2", 0.2)
        began = time.time()
        said, _ = watch.communicate(timeout=90)
        expect(watch.returncode == 1, f"exit status {watch.returncode}\n{said}")
        _, at = verdict_of(stand)
        return [seconds_to(at, traffic.first_failure(began))]


def lines_in(log):
    return sum(1 for _ in open(log, "rb"))


def nothing_is_counted_twice(stand):
    """Watchers are killed at odd moments and the log is rotated; what is judged in the end is each request once."""
    log = stand.root / "nginx" / "access.log"
    with customers(stand, 200):
        expect(stand.deploy("v2").returncode == 0, "deploy")
        for round_ in range(6):
            watch = subprocess.Popen([stand.backout, "-f", stand.root / "backout.yaml", "watch", "--for", "10m", "--every", "1s"],
                                     cwd=stand.root, env=stand.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL)
            time.sleep(1.3 + 0.37 * round_)
            watch.kill()
            watch.wait()
            if round_ == 2:
                log.rename(stand.root / "nginx" / "access.log.1")
                subprocess.run([NGINX, "-c", stand.root / "nginx" / "nginx.conf", "-s", "reopen"], check=True, env=stand.environment,
                               capture_output=True)
    time.sleep(7)  # a second is told when it is over, late lines included
    status, decision = stand.json("decide", "--no-questions")
    outcomes = [each for each in decision["evidence"] if each["measure"] == "outcomes"]
    cutover = min(event["at_ms"] for event in stand.events("run_started") if event["body"]["kind"] == "deploy") / 1000
    served = 0
    for name in ("access.log", "access.log.1"):
        for line in open(stand.root / "nginx" / name, encoding="utf-8"):
            at = time.mktime(time.strptime(line.split("[")[1].split(" ")[0], "%d/%b/%Y:%H:%M:%S"))
            served += 1 if at >= cutover and "/version" not in line else 0
    seen = outcomes[0]["requests"]
    # The seconds of the cutover itself may be either release's; everything else is exact.
    expect(served - 600 <= seen <= served + 600, f"{served} requests since the cutover, {seen} judged: {decision}")
    again = stand.json("decide", "--no-questions")[1]
    expect([e for e in again["evidence"] if e["measure"] == "outcomes"][0]["requests"] == seen, "asking again counts again")
    return [f"{seen} of {served} requests judged"]


def people_are_heard(stand):
    stand.must("report-problem", "nobody can pay", "--down")
    status, decision = stand.json("decide", "--no-questions")
    expect(status == 3 and decision["verdict"] in ("roll-back", "needs-approval"), f"{decision}")
    ended = stand.run("decide", "--no-questions", "--fact", "hotfix=soon")
    expect(ended.returncode == 2 and "hotfix" in ended.stderr, "a fact that cannot be", ended)
    ended = stand.run("decide", "--no-questions", "--fact", "user=60%")
    expect(ended.returncode == 2 and "users" in ended.stderr, "a fact that does not exist", ended)
    status, decision = stand.json("decide", "--no-questions", "--fact", "users=60%", "--fact", "hotfix=none")
    known = {fact["name"]: fact for fact in decision["facts"]}
    expect(known["users"]["source"].endswith("tester"), f"{known['users']}")
    text = stand.run("decide", "--no-questions", "--explain")
    expect("60" in text.stdout, "the answer is forgotten", text)
    exported = stand.root / "export"
    exported.write_text(stand.must("journal", "export"))
    for where in ((), (str(exported),), (str(stand.root / "state"),)):
        ended = stand.run("-o", "json", "decide", "--replay", *where)
        expect(ended.returncode == 0 and '"others": 0' in ended.stdout.replace('"others":0', '"others": 0'), f"replay {where}", ended)
    ended = stand.run("decide", "--replay", str(stand.root / "backout.yaml"))
    expect(ended.returncode not in (0, 139) and "export" in ended.stderr, "what is no journal", ended)


def an_alarm_does_not_bake(stand):
    """Its checks hold all the while: by them alone it would be known-good after three seconds."""
    def state(version):
        return next(each["state"] for each in stand.json("releases")[1]["releases"] if each["version"] == version)

    def ticks(count):
        return [stand.run("tick").returncode for _ in range(count) if time.sleep(1) is None]

    with customers(stand):
        time.sleep(6)
        stand.fault("v2", 0.5)
        expect(stand.deploy("v2").returncode == 0, "deploy")
        ended = ticks(10)
        expect(state("v2") == "watching" and ended[-1] == 1, f"v2 is {state('v2')}, {ended}")
        expect(stand.deploy("v3").returncode == 0, "deploy")  # the hotfix: nobody went back
        ended = ticks(14)
        expect(state("v3") == "known-good" and ended[-1] == 0, f"v3 is {state('v3')}, {ended}")
        _, decision = stand.json("decide", "--no-questions")
        outcomes = [each for each in decision["evidence"] if each["measure"] == "outcomes"]
        expect(outcomes[0]["tolerated"] < 0.1, f"what the bad release did became a habit: {outcomes}")


WATCHED = LOG + "watch: {first: 25s}\n"
CASES = {
    "a-bad-release-is-seen": Case(a_bad_release_is_seen, WATCHED),
    "a-good-release-is-left-alone": Case(a_good_release_is_left_alone, LOG + "watch: {first: 12s}\n"),
    "nothing-seen-is-not-good": Case(nothing_seen_is_not_good, LOG + "watch: {first: 5s}\n"),
    "it-goes-back-by-itself-once-an-hour": Case(it_goes_back_by_itself_once_an_hour,
                                                WATCHED + "policy: [procedures]\nautomatic: [emergency, roll-back]\n"),
    "what-begins-late-is-seen": Case(what_begins_late_is_seen, LOG),
    "an-alarm-does-not-bake": Case(an_alarm_does_not_bake, LOG + "watch: {first: 0s, bake: 3s}\n"),
    "nothing-is-counted-twice": Case(nothing_is_counted_twice, LOG),
    "people-are-heard": Case(people_are_heard, "watch: {first: 0s}\n"),
}
