"""Brings the database up to this release: each migration once, in order, each in its own transaction."""
import os
import runpy
import sqlite3
from pathlib import Path


def main():
    db = sqlite3.connect(os.environ["SHOP_DB"], timeout=10, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("CREATE TABLE IF NOT EXISTS schema_migrations (name TEXT PRIMARY KEY, applied_at TEXT DEFAULT CURRENT_TIMESTAMP)")
    done = {name for (name,) in db.execute("SELECT name FROM schema_migrations")}
    for path in sorted((Path(__file__).resolve().parent / "migrations").glob("[0-9]*.py")):
        if path.stem in done:
            continue
        db.execute("BEGIN IMMEDIATE")
        runpy.run_path(str(path))["up"](db)
        db.execute("INSERT INTO schema_migrations (name) VALUES (?)", (path.stem,))
        db.execute("COMMIT")
        print(f"applied {path.stem}", flush=True)
    db.close()


main()
