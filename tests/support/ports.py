"""A port of 127.0.0.1 for a server that a test starts."""
import random
import socket


def free_port():
    """Below the ports that Linux gives to connections that go out: a free one of those may be some client's a moment later."""
    while True:
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", random.randrange(10000, 32000)))
            except OSError:
                continue
            return listener.getsockname()[1]
