"""Compares the customers' ledger with the shop's database.

    verify_ledger.py LEDGER DATABASE [--saved-until NUMBER] [-o json]

Exit status 0 only when every confirmed order is in the database exactly once, with the number, the customer and the lines that
the customer got, no order stands twice, no number was given away again, foreign keys hold, and the stock is what the orders
left. Orders that nobody confirmed (the answer was lost) may be there; they are counted, not judged.

v2's migration drops the notes. Those of orders up to --saved-until (the last one confirmed before the deploy began, so the
checkpoint has it) must be back; of later orders under v1 the migration took the note before any backup had it: these are counted.
"""
import argparse
import json
import sqlite3
import sys
from collections import Counter

FIRST_STOCK = 1_000_000


def read_ledger(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.endswith("\n")]


def read_orders(db):
    noted = "note" in [column[1] for column in db.execute("PRAGMA table_info(orders)")]
    orders = {}
    for number, reference, customer, note in db.execute(
            f"SELECT id, reference, customer, {'note' if noted else 'NULL'} FROM orders"):
        orders[number] = {"reference": reference, "customer": customer, "note": note, "items": []}
    for number, product, quantity in db.execute("SELECT order_id, product_id, quantity FROM order_items ORDER BY order_id, line"):
        if number in orders:
            orders[number]["items"].append({"product": product, "quantity": quantity})
    return orders


def compare_order(entry, orders, numbers, saved_until):
    """Yields what is wrong with one confirmed order."""
    found = numbers.get(entry["reference"], [])
    if not found:
        taken = orders.get(entry["id"])
        yield "lost" if taken is None else f"lost, and its number now belongs to {taken['reference']}"
        return
    if len(found) > 1:
        yield f"there {len(found)} times, as {found}"
    if entry["id"] not in found:
        yield f"there under number {found[0]}"
        return
    order = orders[entry["id"]]
    for field in ("customer", "items"):
        if order[field] != entry[field]:
            yield f"{field} changed from {entry[field]} to {order[field]}"
    if note_changed(entry, order) and (entry["id"] <= saved_until or order["note"] != ""):
        yield f"note changed from {entry['note']!r} to {order['note']!r}"


def note_changed(entry, order):
    """v2 knows no notes: what it was given it never promised to keep."""
    return order["note"] is not None and entry["version"] == "v1" and order["note"] != entry["note"]


def find_faults(ledger, db, saved_until):
    orders = read_orders(db)
    numbers = {}
    for number, order in orders.items():
        numbers.setdefault(order["reference"], []).append(number)
    faults = [f"order {entry['id']} ({entry['reference']}): {fault}"
              for entry in ledger for fault in compare_order(entry, orders, numbers, saved_until)]
    faults += [f"number {number} was confirmed to {count} customers"
               for number, count in Counter(entry["id"] for entry in ledger).items() if count > 1]
    faults += [f"{reference} stands {len(found)} times, as {found}" for reference, found in numbers.items() if len(found) > 1]
    faults += [f"foreign key broken: {row}" for row in db.execute("PRAGMA foreign_key_check")]
    faults += [f"integrity: {row[0]}" for row in db.execute("PRAGMA integrity_check") if row[0] != "ok"]
    highest = max([entry["id"] for entry in ledger], default=0)
    next_number = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'orders'").fetchone()
    if next_number is None or next_number[0] < highest:
        faults.append(f"the next order would get a number that was given out before (at {next_number}, {highest} was given)")
    sold = Counter()
    for order in orders.values():
        for item in order["items"]:
            sold[item["product"]] += item["quantity"]
    faults += [f"product {product}: {available} in stock, the orders leave {FIRST_STOCK - sold[product]}"
               for product, available in db.execute("SELECT product_id, available FROM stock")
               if available != FIRST_STOCK - sold[product]]
    confirmed = {entry["reference"] for entry in ledger}
    unconfirmed = sum(1 for reference in numbers if reference not in confirmed)
    taken = sum(1 for entry in ledger if entry["id"] > saved_until and entry["id"] in orders and note_changed(entry, orders[entry["id"]]))
    return faults, {"confirmed": len(ledger), "orders": len(orders), "unconfirmed": unconfirmed, "notes taken": taken,
                    "by version": dict(sorted(Counter(entry["version"] for entry in ledger).items())), "faults": len(faults)}


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("ledger")
    options.add_argument("database")
    options.add_argument("--saved-until", type=int, default=0, metavar="NUMBER")
    options.add_argument("-o", dest="output", choices=["text", "json"], default="text")
    given = options.parse_args()
    db = sqlite3.connect(f"file:{given.database}?mode=ro", uri=True)
    faults, counts = find_faults(read_ledger(given.ledger), db, given.saved_until)
    if given.output == "json":
        print(json.dumps({**counts, "first faults": faults[:20]}, indent=2))
    else:
        for fault in faults[:20]:
            print(f"WRONG  {fault}")
        print(f"{counts['confirmed']} confirmed orders, {counts['orders']} in the database, "
              f"{counts['unconfirmed']} of them never confirmed to a customer, {counts['faults']} faults; "
              f"{counts['notes taken']} notes were dropped by v2's migration before any backup had them")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
