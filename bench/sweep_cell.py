"""One cell of a sweep, raced in a process of its own: a cell that takes its process down costs that cell alone.

The parent calls `race_apart`; the child runs this module: a Job goes in, and its Record comes out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import msgspec
import numpy as np

import backprop
from backprop import InputError

from . import machine, process, revision
from .contestants import Contestant, load_file, resolve
from .grid import Cell
from .process import ProcessError
from .race import race
from .records import SCHEMA, Environment, Record, Result
from .revision import Tree

TIMEOUT = (20.0, 600.0)  # a share of the seconds to race for, and seconds: checks of a huge cell take minutes


class Entrant(msgspec.Struct, frozen=True):
    """An engine as another process, or another machine, finds it again: the same code, whatever changes meanwhile.

    name is unique in its race. engine is a built-in's name or a user's file's, whose content is source. commit is that
    of an engine named at a revision. place is where the child finds the file, or the tree of the commit.
    """

    name: str
    engine: str
    source: bytes | None = None
    commit: str | None = None
    place: str | None = None

    @property
    def digest(self) -> str | None:
        """Sixteen hex digits of a digest of the user's file."""
        return None if self.source is None else hashlib.sha256(self.source).hexdigest()[:16]

    def contestant(self) -> Contestant:
        if self.place is None:
            return Contestant(self.name, backprop.load(self.engine))
        if self.commit is None:
            return Contestant(self.name, load_file(Path(self.place)))
        tree = Tree(self.name, Path(self.place), self.commit)
        return Contestant(self.name, revision.load(self.engine, tree).make, self.commit)


class Job(msgspec.Struct, frozen=True):
    """A cell to race in, and how; pin says whether the allocator's thresholds are pinned."""

    cell: Cell
    entrants: list[Entrant]
    seconds: float
    floor: bool
    pin: bool


def enter(addresses: Sequence[str]) -> list[Entrant]:
    """The entrant at each address; InputError for an address at which there is no engine to race."""
    entrants = []
    for address, contestant in zip(addresses, resolve(addresses), strict=True):
        engine, _, rev = address.partition("@")
        if address.endswith(".py"):
            entrants.append(Entrant(contestant.name, Path(address).name, source=Path(address).read_bytes()))
        else:
            place = str(revision.lay(rev).folder) if rev else None
            entrants.append(Entrant(contestant.name, engine, commit=contestant.commit, place=place))
    return entrants


def race_apart(job: Job) -> Record:
    """Race in a fresh process; where that dies, or hangs, every contestant of the record has failed by that.

    Raises InputError where no process can be had at all.
    """
    share, more = TIMEOUT
    job = msgspec.structs.replace(job, entrants=[_lay(entrant) for entrant in job.entrants])
    started, start = datetime.now(UTC).isoformat(timespec="seconds"), perf_counter()
    try:
        timeout = share * job.seconds + more
        return process.call("sweep_cell", job, Record, timeout=timeout, what="the process of this cell")
    except ProcessError as error:
        elapsed = round(perf_counter() - start, 3)
        results = [
            Result(entrant.name, left_out=str(error), failed=True, commit=entrant.commit) for entrant in job.entrants
        ]
        return Record(SCHEMA, job.cell, results, None, _environment(job), started, elapsed)


def _lay(entrant: Entrant) -> Entrant:
    """The entrant with its source as a file, for the child to import; in this process's folder, as children crash."""
    if entrant.source is None:
        return entrant
    path = revision.scratch() / str(entrant.digest) / entrant.engine
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(entrant.source)
    return msgspec.structs.replace(entrant, place=str(path))


def _environment(job: Job) -> Environment:
    """What the job ran on, told by a process like its own: with no engine, and no array that could be too large."""
    tiny = msgspec.structs.replace(job.cell, sizes=(1, 1), batch=1)
    nobody = msgspec.structs.replace(job, cell=tiny, entrants=[], floor=False)
    try:
        what = "a process without engines"
        return process.call("sweep_cell", nobody, Record, timeout=TIMEOUT[1], what=what).environment
    except ProcessError as error:
        raise InputError(f"nothing can be raced here: {error}") from error


def _answer(job: Job) -> Record:
    if job.pin:
        machine.pin_allocator()
    contestants = [entrant.contestant() for entrant in job.entrants]
    return race(job.cell, contestants, seconds=job.seconds, rng=np.random.default_rng(), floor=job.floor)


if __name__ == "__main__":
    process.serve(Job, _answer)
