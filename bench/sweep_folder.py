"""The folder of a sweep: what the sweep was begun with, who is at work in it, and which cells are still missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from backprop import InputError

from . import outputs, quota, records
from .entry import Identity
from .grid import Cell
from .machine import Software
from .records import Record

SCHEMA = 1
FILE = "sweep.json"


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
    engines: list[Identity]
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
def claimed(
    folder: Path, now: Sweep, resume: bool, permit: Callable[[int], None], retry: bool = False
) -> Iterator[tuple[list[Cell], list[Cell]]]:
    """The cells that are still to be raced, and those that failed before and are not, in a folder for nobody else.

    A sweep is begun where there is none, and with `resume` gone on with where there is; with `retry`, too, cells in
    which an engine failed are to be raced again. permit is told how many cells are missing before anything is
    written, and may raise. Raises InputError for a folder that is in use, or holds anything else, or a sweep that was
    begun with something different.
    """
    begun = (folder / FILE).exists()
    if not begun:
        _refuse_unless_free(folder, resume)
        permit(len(now.cells))
    with outputs.locked(folder):
        missing, failed = now.cells, list[Cell]()
        if begun:
            missing, failed = _go_on(folder, now, resume, retry)
            permit(len(missing))
        else:
            _refuse_unless_free(folder, resume)  # another may have begun here just now
            with closing(outputs.Output(folder / FILE)) as file:  # on the disk before the first cell
                file.write(msgspec.json.encode(now) + b"\n")
        yield missing, failed


def _refuse_unless_free(folder: Path, resume: bool) -> None:
    if resume:
        raise InputError(f"{folder} holds no sweep to go on with: leave out --resume to begin one")
    for name in (FILE, records.FILE):
        if (folder / name).exists():
            raise InputError(f"{folder} holds the records of another run: name another folder with --out")


def _go_on(folder: Path, now: Sweep, resume: bool, retry: bool) -> tuple[list[Cell], list[Cell]]:
    """The cells of the folder's sweep to race, and those that failed and are left as they are."""
    if not resume:
        raise InputError(f"{folder} holds a sweep: go on with it by --resume, or name another folder with --out")
    differences = list(_read(folder / FILE).differences(now))
    if differences:
        raise InputError(
            f"{folder} was begun with {'; with '.join(differences)}: go on with what it was begun with, or begin "
            "another sweep in another folder"
        )
    done = records.recover(folder / records.FILE, Record, records.SCHEMA)
    failed = list(dict.fromkeys(record.cell for record in records.failed(done)))
    left = {record.cell for record in done} - set(failed if retry else ())
    return [cell for cell in now.cells if cell not in left], [] if retry else failed


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
