"""Notes: a notice board. Flask behind gunicorn, rows in SQLite."""
import os
import sqlite3
from pathlib import Path

from flask import Flask, g, render_template, request
from slugs import slug
from statements import ADD

HERE = Path(__file__).resolve().parent
VERSION = (HERE / "VERSION").read_text().strip()
app = Flask(__name__)


def database():
    if "database" not in g:
        g.database = sqlite3.connect(os.environ["NOTES_DB"], timeout=10, isolation_level=None)
        g.database.row_factory = sqlite3.Row
    return g.database


@app.teardown_appcontext
def close(_):
    if "database" in g:
        g.database.close()


@app.get("/")
def index():
    notes = database().execute("SELECT * FROM notes ORDER BY id DESC LIMIT 20").fetchall()
    return render_template("index.html", notes=notes, slug=slug)


@app.post("/notes")
def add():
    text = request.form["text"]
    database().execute(ADD, (text,))
    return f"stored {text}\n", 201


@app.get("/version")
def version():
    return VERSION


@app.get("/healthz")
def healthz():
    (count,) = database().execute("SELECT count(*) FROM notes").fetchone()
    return f"ok, {count} notes\n"
