"""migrate.py: runs the files of migrations/ that this database has not seen, each in a transaction of its own."""
import os
import sqlite3
from pathlib import Path

database = sqlite3.connect(os.environ["NOTES_DB"], timeout=10, isolation_level=None)
database.execute("CREATE TABLE IF NOT EXISTS schema_migrations (name TEXT PRIMARY KEY)")
ran = {name for (name,) in database.execute("SELECT name FROM schema_migrations")}
for file in sorted((Path(__file__).parent / "migrations").glob("*.sql")):
    if file.name not in ran:
        database.executescript(f"BEGIN; {file.read_text()}; INSERT INTO schema_migrations VALUES ('{file.name}'); COMMIT;")
        print(f"migrated {file.name}")
