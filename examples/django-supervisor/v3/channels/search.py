"""The search index: one SQLite file, made anew by `manage.py rebuild_index --all`, added to by the worker."""
import os
import sqlite3

from django.conf import settings

from . import models

TYPES = {"post": (models.Post, "title"), "podcast": (models.Podcast, "title"), "course": (models.Course, "title")}


def add(kind, key, text):
    with sqlite3.connect(settings.SEARCH_INDEX, timeout=10) as index:
        index.execute("INSERT OR REPLACE INTO entries VALUES (?, ?, ?)", (kind, key, text))
    index.close()


def find(words, kind):
    index = sqlite3.connect(settings.SEARCH_INDEX, timeout=10)
    rows = index.execute("SELECT id, text FROM entries WHERE type = ? AND text LIKE ?", (kind, f"%{words}%")).fetchall()
    index.close()
    return [{"id": key, "text": text} for key, text in rows]


def rebuild(say):
    """Beside the one that is searched, then in its place."""
    new = f"{settings.SEARCH_INDEX}.new"
    if os.path.exists(new):
        os.unlink(new)
    index = sqlite3.connect(new)
    index.execute("CREATE TABLE entries (kind, id, text, PRIMARY KEY (kind, id))")
    for kind, (model, field) in TYPES.items():
        rows = list(model.objects.values_list("id", field))
        index.executemany("INSERT INTO entries VALUES (?, ?, ?)", [(kind, *row) for row in rows])
        say(f"{kind}: {len(rows)} of {len(rows)}")
    index.commit()
    index.close()
    os.rename(new, settings.SEARCH_INDEX)
