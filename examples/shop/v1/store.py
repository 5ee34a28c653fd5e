"""What the shop reads and writes. The schema is in migrations/."""
import sqlite3


def connect(path):
    db = sqlite3.connect(path, timeout=10, isolation_level=None)
    db.execute("PRAGMA foreign_keys = ON")
    db.execute("PRAGMA synchronous = FULL")
    return db


def products(db):
    rows = db.execute("SELECT id, name, price_cents, available FROM products JOIN stock ON product_id = id ORDER BY id")
    return [{"id": i, "name": name, "price_cents": price, "available": left} for i, name, price, left in rows]


def place_order(db, reference, customer, items, note):
    """One order with its lines; the stock goes down. Returns the order's number. REQUIRES: a transaction."""
    cursor = db.execute("INSERT INTO orders (reference, customer, note) VALUES (?, ?, ?)", (reference, customer, note))
    for line, (product, quantity) in enumerate(items, start=1):
        db.execute("INSERT INTO order_items VALUES (?, ?, ?, ?)", (cursor.lastrowid, line, product, quantity))
        db.execute("UPDATE stock SET available = available - ? WHERE product_id = ?", (quantity, product))
    return cursor.lastrowid


def order(db, order_id):
    row = db.execute("SELECT id, reference, customer, note, status FROM orders WHERE id = ?", (order_id,)).fetchone()
    if row is None:
        return None
    items = db.execute("SELECT product_id, quantity FROM order_items WHERE order_id = ? ORDER BY line", (order_id,))
    return {**dict(zip(("id", "reference", "customer", "note", "status"), row)),
            "items": [{"product": product, "quantity": quantity} for product, quantity in items]}


def ship_one(db):
    """Ships the oldest order that waits. Returns its number, or None."""
    row = db.execute("UPDATE orders SET status = 'shipped' WHERE id = "
                     "(SELECT id FROM orders WHERE status = 'new' ORDER BY id LIMIT 1) RETURNING id").fetchall()
    return row[0][0] if row else None
