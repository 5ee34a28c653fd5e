"""rails-systemd: the orders of tests/projects/rails, on a machine of its own. v3 breaks the page as soon as there is an order."""
import shutil
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent / "projects")]
import place as places  # noqa: E402
from place import expect  # noqa: E402

NEEDS = ("root", "systemd-nspawn", "puma", "bundle", "ruby:rails", "git")


def run(place):
    place.in_a_machine()


def inside(place):
    import course
    orders = course.load("rails")
    orders.install()
    shutil.copy(place.example / "backout.yaml", place.site)
    place.sh("sed -i 's/first: 10m/first: 5s/' backout.yaml", quiet=True)
    place.backout("lint")
    place.backout("record", "v1")
    place.backout("good", "v1")
    orders.customers.begin()
    orders.customers.have_written(5)
    place.backout("deploy", "--version", "v2", "--", "./deploy.sh", "v2")
    place.backout("good", "v2")
    place.backout("ready")

    place.backout("deploy", "--version", "v3", "--", "./deploy.sh", "v3", ends=(5,))
    orders.users_see_it("v3")
    time.sleep(3)
    said = place.backout("decide", "--no-questions", ends=(3,))
    expect("v3" in said and ("ROLL BACK" in said or "NEEDS APPROVAL" in said), said)
    said = place.backout("plan")
    expect("is left alone" in said, said)
    place.rolls_back(reason="the page of orders is broken")
    orders.must_be("v2")
    applied = place.sh(["sqlite3", "/srv/orders-data/orders.sqlite3", "SELECT group_concat(version) FROM schema_migrations"])
    expect("20240301000001" in applied, f"the additive migration is gone: {applied}")
    report = place.backout("report")
    expect("v3 -> v2" in report and "the page of orders is broken" in report, "the report does not tell it")
    orders.customers.end()


if __name__ == "__main__":
    sys.exit(places.main("rails-systemd", "/srv/orders", inside))
