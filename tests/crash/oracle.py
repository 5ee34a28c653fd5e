"""The oracle: what the site must be, known without asking backout. Wholly old, or wholly new, or wrong."""
import collections

# Written before the checkpoint, under v1.
BEFORE = [
    "INSERT INTO orders (customer, note) VALUES ('ann', 'first'), ('bob', 'second'), ('cid', 'third')",
    "INSERT INTO lines VALUES (1, 1, 'tea'), (2, 1, 'mug'), (2, 2, 'honey'), (3, 1, 'cocoa')",
]
# Written after it, under v2: rows that no backup has. The last order is deleted again, and its number must not come back.
SINCE = [
    "INSERT INTO orders (customer, channel) VALUES ('dan', 'web'), ('eve', NULL), ('fay', 'web')",
    "INSERT INTO lines VALUES (4, 1, 'tea'), (4, 2, 'tea'), (5, 1, 'oats'), (6, 1, 'mug')",
    "UPDATE orders SET customer = 'robert' WHERE id = 2",
    "UPDATE lines SET what = 'green tea' WHERE order_id = 1",
    "DELETE FROM lines WHERE order_id IN (3, 6)",
    "DELETE FROM orders WHERE id IN (3, 6)",
]
LINES = [(1, 1, "green tea"), (2, 1, "mug"), (2, 2, "honey"), (4, 1, "tea"), (4, 2, "tea"), (5, 1, "oats")]


def table(names, rows):
    return sorted(tuple(zip(names, row)) for row in rows)


ROWS = {
    "v1": {
        "migrations": table(("name",), [("0001",)]),
        "orders": table(("id", "customer", "note"), [(1, "ann", "first"), (2, "robert", "second"), (4, "dan", ""), (5, "eve", "")]),
        "lines": table(("order_id", "line", "what"), LINES),
        "next": (6,),  # or higher: a number may be skipped, never given again
        "broken": [],
    },
    "v2": {
        "migrations": table(("name",), [("0001",), ("0002",)]),
        "orders": table(("id", "customer", "channel"), [(1, "ann", None), (2, "robert", None), (4, "dan", "web"), (5, "eve", None)]),
        "lines": table(("order_id", "line", "what"), LINES),
        "next": (6,),
        "broken": [],
    },
}

ROWS_BEFORE = {
    **ROWS["v1"],
    "orders": table(("id", "customer", "note"), [(1, "ann", "first"), (2, "bob", "second"), (3, "cid", "third")]),
    "lines": table(("order_id", "line", "what"), [(1, 1, "tea"), (2, 1, "mug"), (2, 2, "honey"), (3, 1, "cocoa")]),
    "next": (3,),
}


def faults_of_site(slot, version, rows=None):
    """What differs from a site that is wholly `version`. Looks at the site alone, never at the journal."""
    seen = {
        "current": slot.layout.current(slot.site),
        "door": slot.text("door"),
        "settings": slot.text("settings"),
        "cache": slot.text("cache"),
        "/version": slot.answer("/version"),
        "/health": slot.answer("/health"),
        "servers": sorted(slot.servers().values()),
    }
    wanted = {
        "current": version,
        "door": "open",
        "settings": f"settings of {version}",
        "cache": version,
        "/version": (200, version),
        "/health": (200, f"ok {len((rows or ROWS[version])['orders'])}"),
        "servers": [slot.layout.directory_of(version)],
    }
    faults = [f"{name} is {seen[name]!r}, not {wanted[name]!r}" for name in wanted if seen[name] != wanted[name]]
    content = slot.rows()
    for name, expected in (rows or ROWS[version]).items():
        if content[name] != expected and not (name == "next" and content[name] and content[name] > expected):
            faults.append(f"{name} in the database: {content[name]}, not {expected}")
    return faults


def faults_of_journal(slot, unknown_allowed=False):
    """The chain holds, and no step on no host was left Unknown."""
    faults = []
    audit = slot.run("audit", "verify")
    if audit.status != 0:
        faults.append(f"audit verify: exit status {audit.status}: {audit.output}")
    for event in slot.events():
        outcome = event["body"].get("outcome", {}) if event["type"] == "step_ended" else {}
        ended_early = outcome.get("evidence", {}).get("ended_early")  # a look, because another had failed: it says nothing
        if outcome.get("kind") == "unknown" and not unknown_allowed and not ended_early:
            faults.append(f"{event['body']['step']} on {event['body']['host']} was Unknown: {outcome.get('why')}")
    return faults


def faults_of_trace(slot):
    """No command ran twice side by side: neither the site's own (starts and ends alternate) nor any that the shim started."""
    faults, running = (slot.base / "trace.overlaps").read_text().splitlines(), collections.Counter()
    for line in slot.trace.read_text().splitlines():
        moment, name, _ = line.split(" ")
        if moment == "cut":  # the power: whatever ran runs no more
            running.clear()
            continue
        running[name] += 1 if moment == "start" else -1
        if running[name] > 1:
            faults.append(f"{name} ran {running[name]} times side by side")
    return faults


def run_state(events):
    """(kind, state) of the newest run: running, stopped or the result it ended with; None when there is no run."""
    state = None
    for event in events:
        if event["type"] == "run_started":
            state = [event["body"]["kind"], "running"]
        elif event["type"] == "run_stopped":
            state[1] = "stopped"
        elif event["type"] == "run_ended":
            state[1] = event["body"]["result"]
    return tuple(state) if state else None


def effects(events):
    """What a second resume must not add to."""
    return [event["id"] for event in events if not event["type"].startswith("lease_")]
