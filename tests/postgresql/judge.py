"""What every case asks of a site."""


def expect(condition, words):
    if not condition:
        raise AssertionError(words)


def judged(customers, version=""):
    """All is as the customers were told, and as it is with this release."""
    customers.end()
    faults = customers.judge() + customers.shop.holds(version)
    expect(not faults, "\n".join(faults))
    if version:
        serves(customers.shop, version)


def serves(shop, version):
    expect(shop.ask("/version")[1].strip() == version, f"{version} does not serve")


def rollback(back):
    return ["rollback", *([] if back else ["--forward"]), "--yes", "--reason", "a test"]


def ended(shop):
    return shop.words[-1].endswith("-> 0")
