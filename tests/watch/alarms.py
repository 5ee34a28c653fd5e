"""The same by other witnesses: a real Prometheus that scrapes the release, and a real Alertmanager whose rule fires."""
import shutil
import subprocess
import time

from judged import Case, customers, expect, seconds_to, verdict_of

PROGRAMS = ("prometheus", "prometheus-alertmanager")


def missing():
    return next((name for name in PROGRAMS if not shutil.which(name)), "")


RULES = """groups:
  - name: shop
    interval: 1s
    rules:
      - alert: ShopFails
        expr: sum(rate(http_requests_total{code="500"}[5s])) / sum(rate(http_requests_total[5s])) > 0.05
        for: 2s
        labels: {severity: page, service: shop}
        annotations: {summary: one in twenty requests fails}
"""
SCRAPE = """global: {scrape_interval: 1s, evaluation_interval: 1s, scrape_timeout: 1s}
rule_files: [@ROOT@/prom/rules.yml]
alerting: {alertmanagers: [{static_configs: [{targets: ['127.0.0.1:@OTHER@']}]}]}
scrape_configs: [{job_name: shop, static_configs: [{targets: ['127.0.0.1:@PORT@']}]}]
"""
ROUTE = """route: {receiver: backout, group_wait: 10ms, group_interval: 1s, repeat_interval: 1h}
receivers: [{name: backout, webhook_configs: [{url: 'http://127.0.0.1:@HOOK@/', send_resolved: true}]}]
"""
COUNTERS = """signals:
  - {prometheus: "http://127.0.0.1:@SPARE@", errors: 'http_requests_total{code=~"5.."}', requests: http_requests_total,
     release: version, every: 1s}
watch: {first: 60s}
"""
ALERTS = """signals:
  - {alertmanager: {listen: "127.0.0.1:@HOOK@", match: {service: shop}}}
watch: {first: 60s}
"""


def started(stand, *arguments):
    with open(stand.root / "prom" / f"{arguments[0]}.out", "wb") as out:
        return subprocess.Popen(arguments, cwd=stand.root, env=stand.environment, stdin=subprocess.DEVNULL, stdout=out,
                                stderr=subprocess.STDOUT)


def with_prometheus(stand):
    stand.put("prom/rules.yml", RULES)
    stand.put("prom/prom.yml", SCRAPE)
    stand.put("prom/am.yml", ROUTE)
    started(stand, "prometheus", f"--config.file={stand.root}/prom/prom.yml", f"--storage.tsdb.path={stand.root}/prom/data",
            f"--web.listen-address=127.0.0.1:{stand.words['SPARE']}")
    started(stand, "prometheus-alertmanager", f"--config.file={stand.root}/prom/am.yml",
            f"--storage.path={stand.root}/prom/am", f"--web.listen-address=127.0.0.1:{stand.words['OTHER']}",
            "--cluster.listen-address=")
    for name in ("SPARE", "OTHER"):
        stand.wait_for(stand.words[name], "/-/ready")


def bad_release(stand, share):
    with customers(stand) as traffic:
        time.sleep(10)
        stand.fault("v2", share)
        began = time.time()
        ended = stand.deploy("v2")
        expect(ended.returncode == 5, "a bad release was deployed, and it was called good", ended)
        _, at = verdict_of(stand)
        return ended, [seconds_to(at, traffic.first_failure(began))]


def counters_tell(stand):
    with_prometheus(stand)
    return bad_release(stand, 0.3)[1]


def an_alert_tells(stand):
    with_prometheus(stand)
    ended, words = bad_release(stand, 0.3)
    expect("ShopFails" in ended.stdout + ended.stderr, "which alert is not told", ended)
    return words


def nobody_counts(stand):
    """No Prometheus there: blind, not good."""
    ended = stand.deploy("v2")
    expect(ended.returncode == 5 and "BLIND" in ended.stdout + ended.stderr, "blind, and called good", ended)


CASES = {
    "counters-tell": Case(counters_tell, COUNTERS, missing),
    "an-alert-tells": Case(an_alert_tells, ALERTS, missing),
    "nobody-counts": Case(nobody_counts, COUNTERS.replace("first: 60s", "first: 5s")),
}
