"""How the machine is doing."""
import os


def now():
    return {"load": os.getloadavg()[0], "processors": os.cpu_count()}
