"""The folder of a sweep: what the sweep was begun with, who is at work in it, and which cells are still missing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from backprop import InputError

from . import quota, records
from .grid import Cell
from .machine import Software
from .records import Record

SCHEMA = 1
FILE = "sweep.json"
LOCK = ".lock"


class Engine(msgspec.Struct, frozen=True):
    """An engine as it was named; the commit that a revision was, and the digest of a user's file."""

    name: str
    commit: str | None = None
    digest: str | None = None

    def __str__(self) -> str:
        version = self.commit or self.digest
        return f"{self.name} ({version[:10]})" if version else self.name


class Machine(msgspec.Struct, frozen=True):
    """What tells one machine from another, as in a record's environment."""

    cpu: str
    cores: int
    host: str | None
    quota: float | None = None

    def __str__(self) -> str:
        given = f", {quota.told(self.quota)}" if self.quota else ""
        return f"{self.cpu}, {self.cores} cores{given} (host {self.host})"


class Sweep(msgspec.Struct, frozen=True):
    """All that a sweep is begun with and that the whole of it has in common; machine is None for a cluster's."""

    schema: int
    cells: list[Cell]
    engines: list[Engine]
    seconds: float
    floor: bool
    allocator: str
    software: Software
    machine: Machine | None

    def differences(self, now: Sweep) -> Iterator[str]:
        """What `now` would change, each in a few words."""
        before, after = set(self.cells), set(now.cells)
        for word, cells in (("more", after - before), ("fewer", before - after)):
            if cells:
                example = min(cells, key=lambda cell: cell.id).id
                yield f"cells {len(before)}, now {len(cells)} {word}, such as {example}"
        if self.engines != now.engines:
            yield f"engines {','.join(map(str, self.engines))}, now {','.join(map(str, now.engines))}"
        for name in ("seconds", "floor", "allocator"):
            begun, given = getattr(self, name), getattr(now, name)
            if begun != given:
                yield f"{name} {_say(begun)}, now {_say(given)}"
        for name, begun, given in self.software.differences(now.software):
            yield f"{name} {begun}, now {given}"
        if self.machine != now.machine:
            yield f"machine {self.machine or 'those of a cluster'}, now {now.machine or 'those of a cluster'}"


@contextmanager
def claimed(folder: Path, now: Sweep, resume: bool, permit: Callable[[int], None]) -> Iterator[list[Cell]]:
    """The cells that are still to be raced, in a folder that no other sweep can use until the block ends.

    A sweep is begun where there is none, and with `resume` gone on with where there is. permit is told how many
    cells are missing before anything is written, and may raise. Raises InputError for a folder that is in use, or
    holds anything else, or a sweep that was begun with something different.
    """
    begun = (folder / FILE).exists()
    if not begun:
        _refuse_unless_free(folder, resume)
        permit(len(now.cells))
    with _locked(folder):
        if begun:
            missing = _go_on(folder, now, resume)
            permit(len(missing))
        else:
            _refuse_unless_free(folder, resume)  # another may have begun here just now
            _begin(folder, now)
            missing = now.cells
        yield missing


def _refuse_unless_free(folder: Path, resume: bool) -> None:
    if resume:
        raise InputError(f"{folder} holds no sweep to go on with: leave out --resume to begin one")
    for name in (FILE, records.FILE):
        if (folder / name).exists():
            raise InputError(f"{folder} holds the records of another run: name another folder with --out")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """The folder, made if need be, under a lock of the operating system's, which no dead process keeps."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK, timeout=0)
        lock.acquire()
    except Timeout as error:
        raise InputError(f"{folder} is in use by another sweep: wait until it ends, or name another folder") from error
    except OSError as error:
        raise InputError(f"{folder} can't be written: {error.strerror}; name another folder with --out") from error
    try:
        yield
    finally:
        lock.release()


def _begin(folder: Path, sweep: Sweep) -> None:
    """Write what the sweep is begun with, on the disk before the first cell."""
    with records.written_whole(folder / FILE) as temporary, temporary.open("wb") as file:
        file.write(msgspec.json.encode(sweep) + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _go_on(folder: Path, now: Sweep, resume: bool) -> list[Cell]:
    """The cells of the folder's sweep that have no record yet."""
    if not resume:
        raise InputError(f"{folder} holds a sweep: go on with it by --resume, or name another folder with --out")
    differences = list(_read(folder / FILE).differences(now))
    if differences:
        raise InputError(
            f"{folder} was begun with {'; with '.join(differences)}: go on with what it was begun with, or begin "
            "another sweep in another folder"
        )
    done = {record.cell for record in records.recover(folder / records.FILE, Record, records.SCHEMA)}
    return [cell for cell in now.cells if cell not in done]


class _Header(msgspec.Struct):
    schema: int


def _read(path: Path) -> Sweep:
    try:
        content = path.read_bytes()
        schema = msgspec.json.decode(content, type=_Header).schema
        if schema != SCHEMA:
            raise InputError(f"{path} has schema {schema}; this version of backprop-bench goes on with {SCHEMA} only")
        return msgspec.json.decode(content, type=Sweep)
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise InputError(f"{path} is not what a sweep has written: {error}; name another folder with --out") from error


def _say(value: object) -> str:
    if isinstance(value, bool):
        return "raced" if value else "not raced"
    return f"{value:g}" if isinstance(value, float) else str(value)
