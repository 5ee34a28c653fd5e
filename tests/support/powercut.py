#!/usr/bin/python3
"""Arms the forgetful layer (forgetful.c) and cuts the power: the root becomes what a disk would hold.

    powercut.py arm ROOT STORE
    powercut.py cut ROOT STORE [--names synced|kept|mixed] [--seed N]

`arm` takes everything as it stands for durable. `cut` rebuilds ROOT: file content is always as of its last sync (a file never
synced is empty). The names in a directory are those of its last sync (`synced`), or those it has now (`kept`: what a disk may
have got to by itself), or either, directory by directory, from a seed (`mixed`). SQLite's -shm files never survive.
REQUIRES: no process uses ROOT any more.
"""
import argparse
import ctypes
import os
import random
import shutil
import stat
import struct
import sys
from pathlib import Path
from typing import NamedTuple

LIBC = ctypes.CDLL(None, use_errno=True)
AT_FDCWD, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, STATX_BTIME = -100, 0x100, 0x7FF, 0x800


class Entry(NamedTuple):
    kind: str  # f, d, l or o (nothing that a disk keeps for us)
    inode: str
    mode: int
    name: str
    target: str = ""


def inode_name(path):
    """As forgetful.c names inodes: <inode>-<birth time>. Python's os.stat knows no birth time, statx(2) does."""
    found = ctypes.create_string_buffer(256)
    if LIBC.statx(AT_FDCWD, os.fsencode(path), AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, found) != 0:
        raise OSError(ctypes.get_errno(), "statx", str(path))
    inode = struct.unpack_from("=Q", found, 32)[0]
    seconds, nanoseconds = struct.unpack_from("=qI", found, 80)
    return f"{inode}-{seconds}.{nanoseconds:09}"


def list_now(directory):
    entries = []
    with os.scandir(directory) as found:
        for item in found:
            status = item.stat(follow_symlinks=False)
            kind = "d" if stat.S_ISDIR(status.st_mode) else "f" if stat.S_ISREG(status.st_mode) else \
                   "l" if stat.S_ISLNK(status.st_mode) else "o"
            entries.append(Entry(kind, inode_name(item.path), stat.S_IMODE(status.st_mode), item.name,
                                 os.readlink(item.path) if kind == "l" else ""))
    return entries


def write_listing(store, inode, entries):
    with open(store / "dirs" / inode, "w", encoding="ascii") as file:
        for entry in entries:
            words = [entry.kind, entry.inode, f"{entry.mode:o}", os.fsencode(entry.name).hex()]
            file.write(" ".join(words + ([os.fsencode(entry.target).hex()] if entry.kind == "l" else [])) + "\n")


def read_listing(store, inode):
    """The directory's entries as of its last sync; a directory never synced is empty."""
    try:
        lines = (store / "dirs" / inode).read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        return []
    entries = []
    for line in lines:
        kind, number, mode, name, *target = line.split(" ")
        entries.append(Entry(kind, number, int(mode, 8), os.fsdecode(bytes.fromhex(name)),
                             os.fsdecode(bytes.fromhex(target[0])) if target else ""))
    return entries


def arm(root, store):
    if store.exists():
        shutil.rmtree(store)
    (store / "files").mkdir(parents=True)
    (store / "dirs").mkdir()
    for directory, _, files in os.walk(root):
        write_listing(store, inode_name(directory), list_now(directory))
        for file in files:
            path = os.path.join(directory, file)
            if stat.S_ISREG(os.lstat(path).st_mode):
                shutil.copy(path, store / "files" / inode_name(path))


def cut(root, store, choose):
    now = {inode_name(directory): list_now(directory) for directory, _, _ in os.walk(root)}
    root_inode, root_mode = inode_name(root), stat.S_IMODE(os.lstat(root).st_mode)
    rebuilt = root.with_name(root.name + ".after-the-cut")

    def rebuild(inode, path):
        kept = choose() and inode in now
        for entry in now[inode] if kept else read_listing(store, inode):
            target = path / entry.name
            if entry.name.endswith("-shm"):
                continue
            if entry.kind == "d":
                target.mkdir()
                rebuild(entry.inode, target)
                target.chmod(entry.mode)
            elif entry.kind == "l":
                target.symlink_to(entry.target)
            elif entry.kind == "f":
                content = store / "files" / entry.inode
                if content.exists():
                    shutil.copy(content, target)
                else:
                    target.touch()
                    target.chmod(entry.mode)

    rebuilt.mkdir()
    rebuild(root_inode, rebuilt)
    # The root keeps its own inode: it may be a mount point, and it was there before the layer was.
    for item in root.iterdir():
        shutil.rmtree(item) if item.is_dir() and not item.is_symlink() else item.unlink()
    for item in list(rebuilt.iterdir()):
        shutil.move(item, root / item.name)
    rebuilt.rmdir()
    root.chmod(root_mode)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("what", choices=["arm", "cut"])
    options.add_argument("root", type=lambda text: Path(text).resolve(strict=True))
    options.add_argument("store", type=lambda text: Path(text).resolve())
    options.add_argument("--names", choices=["synced", "kept", "mixed"], default="synced")
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    dice = random.Random(given.seed)
    if given.what == "arm":
        arm(given.root, given.store)
    else:
        cut(given.root, given.store, {"synced": lambda: False, "kept": lambda: True,
                                      "mixed": lambda: dice.random() < 0.5}[given.names])
    return 0


if __name__ == "__main__":
    sys.exit(main())
