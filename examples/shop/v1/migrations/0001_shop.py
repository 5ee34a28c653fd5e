PRODUCTS = [("tea", 450), ("coffee", 690), ("cocoa", 520), ("honey", 830), ("oat biscuits", 310), ("mug", 1250)]


def up(db):
    db.execute("CREATE TABLE products (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,"
               " price_cents INTEGER NOT NULL CHECK (price_cents > 0))")
    db.execute("CREATE TABLE stock (product_id INTEGER PRIMARY KEY REFERENCES products (id),"
               " available INTEGER NOT NULL CHECK (available >= 0))")
    db.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY AUTOINCREMENT, reference TEXT NOT NULL, customer TEXT NOT NULL,"
               " note TEXT NOT NULL DEFAULT '', status TEXT NOT NULL DEFAULT 'new',"
               " created_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP)")
    db.execute("CREATE INDEX orders_by_status ON orders (status, id)")
    db.execute("CREATE TABLE order_items (order_id INTEGER NOT NULL REFERENCES orders (id), line INTEGER NOT NULL,"
               " product_id INTEGER NOT NULL REFERENCES products (id), quantity INTEGER NOT NULL CHECK (quantity > 0),"
               " PRIMARY KEY (order_id, line)) WITHOUT ROWID")
    for name, price in PRODUCTS:
        product = db.execute("INSERT INTO products (name, price_cents) VALUES (?, ?)", (name, price)).lastrowid
        db.execute("INSERT INTO stock VALUES (?, 1000000)", (product,))
