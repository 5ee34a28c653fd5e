"""Notes go, because nobody read them; parcels come, and with them the shelf that an order is packed at."""


def up(db):
    db.execute("ALTER TABLE orders DROP COLUMN note")
    db.execute("ALTER TABLE orders ADD COLUMN channel TEXT")
    db.execute("CREATE TABLE parcels (order_id INTEGER PRIMARY KEY REFERENCES orders (id), shelf TEXT NOT NULL)")
