import sqlite3
import sys

db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
if not db.execute("SELECT 1 FROM migrations WHERE name = '0002'").fetchone():
    db.execute("ALTER TABLE orders DROP COLUMN note")
    db.execute("ALTER TABLE orders ADD COLUMN channel TEXT")
    db.execute("INSERT INTO migrations VALUES ('0002')")
db.execute("COMMIT")
