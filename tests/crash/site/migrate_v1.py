import sqlite3
import sys

db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.executescript("""
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY AUTOINCREMENT, customer TEXT NOT NULL, note TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS lines (order_id INTEGER NOT NULL REFERENCES orders (id), line INTEGER NOT NULL, what TEXT NOT NULL,
                                  PRIMARY KEY (order_id, line)) WITHOUT ROWID;
INSERT OR IGNORE INTO migrations VALUES ('0001');
""")
