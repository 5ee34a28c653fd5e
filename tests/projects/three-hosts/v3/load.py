"""How the machine is doing."""
import os


def now():
    return {"load": os.getloadavg()[0], "memory": int(open("/proc/meminfo").readline())}
