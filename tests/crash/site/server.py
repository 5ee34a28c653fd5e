"""The fixture's service: answers which release it is, and whether its code fits the database. Starts in 20 ms."""
import os
import signal
import socket
import sqlite3

version = open("VERSION", encoding="utf-8").read().strip()
columns = open("COLUMNS", encoding="utf-8").read().strip()


def trace(moment):
    with open(os.environ["TRACE"], "a", encoding="utf-8") as file:
        file.write(f"{moment} server-{version} {os.getpid()}\n")


def health():
    db = sqlite3.connect(os.environ["DB"], timeout=5)
    try:
        return "ok %d" % len(db.execute(f"SELECT {columns} FROM orders").fetchall())
    finally:
        db.close()


def answer(connection):
    path = connection.recv(4096).split(b" ")[1].decode()
    try:
        status, text = ("200 OK", version) if path == "/version" else ("200 OK", health())
    except Exception as error:
        status, text = "500 Broken", f"{type(error).__name__}: {error}"
    connection.sendall(f"HTTP/1.0 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode())


def main():
    for told in (signal.SIGTERM, signal.SIGINT):
        signal.signal(told, lambda *_: (trace("end"), os._exit(0)))
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", int(os.environ["PORT"])))
    listener.listen(16)
    trace("start")
    while True:
        connection = listener.accept()[0]
        connection.settimeout(2)
        try:
            answer(connection)
        except (OSError, IndexError):
            pass
        connection.close()


main()
