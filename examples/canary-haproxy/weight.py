#!/usr/bin/python3
"""weight.py blue 90 green 10: how HAProxy divides the traffic, in percent."""
import socket
import sys

commands = []
for server, percent in zip(sys.argv[1::2], sys.argv[2::2]):
    commands += [f"set weight shop/{server} {percent}", f"set server shop/{server} state {'ready' if int(percent) else 'drain'}"]
with socket.socket(socket.AF_UNIX) as admin:
    admin.connect("/srv/shop/run/admin.sock")
    admin.sendall("; ".join(commands).encode() + b"\n")
    if said := admin.makefile().read().strip():
        sys.exit(said)
