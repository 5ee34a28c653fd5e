"""express and pm2, fetched once into build/projects-npm by the lock file that is committed here; the machine has no network."""
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
STORE = HERE.parent.parent / "build" / "projects-npm"


def binds():
    raise NotImplementedError
