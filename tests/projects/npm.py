"""Express and PM2 from npm, fetched once into build/ and kept: the machines of the projects have no network."""
import fcntl
import shutil
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LOCK = HERE / "node" / "v1" / "package-lock.json"


def cache(lock_file=LOCK, kept="projects-npm"):
    """npm's cache with what a lock file names, in build/KEPT."""
    directory = ROOT / "build" / kept
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        filled, done = directory / "cache", directory / "package-lock.json"
        if not done.exists() or done.read_text() != lock_file.read_text():
            with tempfile.TemporaryDirectory() as work:
                for name in ("package.json", "package-lock.json"):
                    shutil.copy(lock_file.parent / name, work)
                run(["npm", "ci", "--cache", filled, "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"], work)
            shutil.copy(lock_file, done)
    return filled


def run(argv, directory):
    ended = subprocess.run(argv, cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           text=True, check=False)
    if ended.returncode != 0:
        raise RuntimeError(f"{argv[0]}: exit status {ended.returncode}: {ended.stdout[-1000:]}")
    return ended.stdout


def binds():
    pm2 = run(["sh", ROOT / "tests" / "support" / "pm2.sh", ROOT], ROOT).strip()
    return [f"--bind-ro={Path(pm2).parents[2]}:/opt/pm2", f"--bind-ro={cache()}:/opt/npm-cache"]
