"""The folder of a grid that is raced: what it was begun with, who is at work in it, and which cells are done."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from backprop import InputError

from ..cells import processors
from ..cells.cell import Cell
from ..cells.entry import Identity
from ..records import outputs, store
from ..records.record import SCHEMA as RECORD_SCHEMA
from ..records.record import Record
from ..timing.machine import Software

SCHEMA = 2
FILE = "sweep.json"
SUITE = "suite.json"  # the same, of a suite under pytest


class Machine(msgspec.Struct, frozen=True):
    """What tells one machine from another, as in a record's environment."""

    cpu: str
    cores: int
    host: str | None
    quota: float | None = None

    def __str__(self) -> str:
        given = f", {processors.told(self.quota)}" if self.quota else ""
        return f"{self.cpu}, {self.cores} cores{given} (host {self.host})"


class Sweep(msgspec.Struct, frozen=True):
    """All that a sweep, or a suite, is begun with and has in common as a whole; machine is None for a cluster's."""

    schema: int
    cells: list[Cell]
    engines: list[Identity]
    seconds: float
    floor: bool
    allocator: str
    software: Software
    machine: Machine | None
    baseline: str | None = None

    def differences(self, now: Sweep) -> Iterator[str]:
        """What `now` would change, each in a few words."""
        before, after = set(self.cells), set(now.cells)
        for word, cells in (("more", after - before), ("fewer", before - after)):
            if cells:
                example = min(cells, key=lambda cell: cell.id).id
                yield f"cells {len(before)}, now {len(cells)} {word}, such as {example}"
        if self.engines != now.engines:
            yield f"engines {','.join(map(str, self.engines))}, now {','.join(map(str, now.engines))}"
        for name in ("seconds", "floor", "allocator", "baseline"):
            begun, given = getattr(self, name), getattr(now, name)
            if begun != given:
                yield f"{name} {_say(begun)}, now {_say(given)}"
        for name, begun, given in self.software.differences(now.software):
            yield f"{name} {begun}, now {given}"
        if self.machine != now.machine:
            yield f"machine {self.machine or 'those of a cluster'}, now {now.machine or 'those of a cluster'}"


@dataclass
class Run:
    """Races one after the other into a folder: each record as soon as it is done, and the time that is left.

    done has the records, by cell, of those that are not to be raced again. before_first is called when there is a first
    record, before it is written. folder is None where nothing is recorded. given and taken are the seconds that the
    races up to now were given, and have taken.
    """

    folder: Path | None
    done: dict[Cell, Record] = field(default_factory=dict)
    before_first: Callable[[], None] | None = None
    given: float = 0.0
    taken: float = 0.0

    def add(self, record: Record, given: float, taken: float) -> None:
        """Put the record on the disk, of a race that was given so many seconds and has taken so many; InputError."""
        self.given += given
        self.taken += taken
        if self.before_first:
            self.before_first()
            self.before_first = None
        if self.folder:
            store.append(self.folder, record)

    def left(self, given: float) -> float | None:
        """Seconds that races will take which are given so many, by those before; None before the first."""
        return given * self.taken / self.given if self.given else None


@contextmanager
def claimed(
    folder: Path, now: Sweep, resume: bool, permit: Callable[[Collection[Cell]], None], retry: bool = False
) -> Iterator[Run]:
    """The run of a sweep, in a folder for nobody else.

    A sweep is begun where there is none, and with `resume` gone on with where there is; with `retry`, too, cells in
    which an engine failed are to be raced again. permit is told which cells are missing before anything is
    written, and may raise. Raises InputError for a folder that is in use, or holds anything else, or a sweep that was
    begun with something different.
    """
    begun = (folder / FILE).exists()
    if not begun:
        _refuse_unless_free(folder, resume)
        permit(set(now.cells))
    with outputs.locked(folder):
        if not begun:
            _refuse_unless_free(folder, resume)  # another may have begun here just now
            begin(folder / FILE, now)  # on the disk before the first cell
            yield Run(folder)
        elif not resume:
            raise InputError(f"{folder} holds a sweep: go on with it by --resume, or name another folder with --out")
        else:
            done = begun_before(folder / FILE, now)
            run = Run(folder, {cell: record for cell, record in done.items() if not (retry and record.failures)})
            permit(set(now.cells) - set(run.done))
            yield run


def _refuse_unless_free(folder: Path, resume: bool) -> None:
    if resume:
        raise InputError(f"{folder} holds no sweep to go on with: leave out --resume to begin one")
    if (folder / FILE).exists() or store.files(folder / store.FILE):
        raise InputError(f"{folder} holds the records of another run: name another folder with --out")


def begin(path: Path, now: Sweep) -> None:
    """Have on the disk what is begun; InputError."""
    with closing(outputs.Output(path)) as file:
        file.write(msgspec.json.encode(now) + b"\n")


def begun_before(path: Path, now: Sweep) -> dict[Cell, Record]:
    """The records of what was begun there, by cell; of one that went well on some machine that record.

    Raises InputError where there is nothing, or it was begun with something different.
    """
    folder, what = path.parent, path.stem
    if not path.exists():
        raise InputError(f"{folder} holds no {what} to go on with: leave out --resume to begin one")
    differences = list(_read(path).differences(now))
    if differences:
        raise InputError(
            f"{folder} was begun with {'; with '.join(differences)}: go on with what it was begun with, or begin "
            f"another {what} in another folder"
        )
    found = store.that_count(store.recover(folder / store.FILE, Record, RECORD_SCHEMA))
    counting = [*store.failed(found), *(record for record in found if not record.failures)]
    return {record.cell: record for record in counting}


def _read(path: Path) -> Sweep:
    try:
        content = path.read_bytes()
        schema = store.schema_of(content)
        if schema > SCHEMA:
            raise InputError(f"{path} has schema {schema}; this version of backprop-bench goes on with up to {SCHEMA}")
        return msgspec.json.decode(content, type=Sweep)
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise InputError(f"{path} is not what a {path.stem} has written: {error}; name another folder") from error


def _say(value: object) -> str:
    if isinstance(value, bool):
        return "raced" if value else "not raced"
    return f"{value:g}" if isinstance(value, float) else str(value)
