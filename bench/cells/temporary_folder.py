"""The temporary folder of this process: nobody else's is touched, and one that is full or read-only is a line."""

from __future__ import annotations

import atexit
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout

from backprop import InputError

PREFIX = "backprop-bench-"
LOCK = "in-use.lock"
ROOM = 1 << 16  # bytes


@contextmanager
def room() -> Iterator[None]:
    """Where a temporary file can't be made or written, an InputError says so."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"the temporary folder can't be used: {error.strerror or error}; name another, with room, by TMPDIR"
        ) from error


def file() -> IO[bytes]:
    """A file without a name, to be read and written, that is gone when it is closed."""
    with room():
        return tempfile.TemporaryFile()


def check_room(file: IO[bytes]) -> None:
    """InputError where no more can be written to the file: nobody is to blame for what is missing in it."""
    with room():
        file.write(bytes(ROOM))
        file.flush()


@cache
def scratch() -> Path:
    """The temporary folder of this process, removed when it ends; what killed processes left behind goes first."""
    with room():
        for left_behind in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
            _remove_unless_in_use(left_behind)
        while True:
            folder = Path(tempfile.mkdtemp(prefix=PREFIX))
            lock = FileLock(folder / LOCK)
            lock.acquire()
            if folder.exists():  # else another process took it for a leftover before it was locked
                break
    owner = os.getpid()

    def remove() -> None:
        if os.getpid() == owner:  # a forked child ends without touching it
            lock.release()
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
    return folder


def _remove_unless_in_use(folder: Path) -> None:
    """Only where it is this user's, and nobody else can put a link, or anything, into it."""
    try:
        if _own(folder, stat.S_IFDIR) and _own(folder / LOCK, stat.S_IFREG):
            with FileLock(folder / LOCK, timeout=0):
                shutil.rmtree(folder, ignore_errors=True)
    except (Timeout, OSError):  # in use, or gone
        pass


def _own(path: Path, kind: int) -> bool:
    """Whether it is of this kind itself, no link to one, and only its owner, who is this user, can write there."""
    about = path.lstat()
    mine = not hasattr(os, "getuid") or (
        about.st_uid == os.getuid() and not about.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    )
    return mine and stat.S_IFMT(about.st_mode) == kind
