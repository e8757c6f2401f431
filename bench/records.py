"""Records: what one race found, as one line of JSON, written when the race ends and read back with care."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from backprop import InputError

from . import outputs, quota
from .grid import Cell
from .setting import Setting

SCHEMA = 1
FILE = "cells.jsonl"
UNTRACKED = "the code is not under version control"  # no doubt: it was installed, or is a source archive

Line = TypeVar("Line", bound=msgspec.Struct)
"""What one line of a file of records holds."""

Slices = list[list[float | None]]
"""Seconds per step, passes x rounds; None where a contestant sat a round out."""


class Result(msgspec.Struct, frozen=True):
    """What the race found of one contestant.

    left_out says why there are no seconds, or is None; failed says whether that is the engine's own fault.
    commit is that of an engine named at a revision, None where it is the work tree's. after is the engine that
    this one is one change away from. first_step_seconds is what the first step of all took: compilation, trials.
    by is, of a floor, the first engine named that has its products by the same library; None where that is BLAS.
    peak_bytes is None where it is not known.
    """

    name: str
    seconds: Slices = []
    steps_per_slice: int | None = None
    gradient_error: float | None = None
    peak_bytes: int | None = None
    left_out: str | None = None
    failed: bool = False
    commit: str | None = None
    after: str | None = None
    first_step_seconds: float | None = None
    by: str | None = None


class Noise(msgspec.Struct, frozen=True):
    """The slices of a second copy of the contestant `of`, taken in the same rounds as its own."""

    of: str
    seconds: Slices


class Pool(msgspec.Struct, frozen=True):
    """One BLAS library loaded in the process, and the threads it was limited to."""

    library: str
    version: str | None
    kernel: str | None
    threads: int
    of: str


class Environment(msgspec.Struct, frozen=True):
    """What the race ran on; revision and dirty are None where they can't be told, and revision_unknown says why.

    host tells machines of one kind apart without naming them: six hex digits of a digest of the host's name.
    l2_bytes is the size of the second-level cache of the core that was used, None where the system does not tell.
    quota is how many processors' time the control group gives, None where it gives all; throttled is how often it
    stopped the process meanwhile for having used that up, None where nobody counted. core_numbers are those that the
    process ran on, None where the system does not let it choose; cores_shared says whether another race ran there
    too. paused has the names of the tracers and profilers that were there, and stopped while anything was timed.
    """

    cpu: str
    cores: int
    governor: str | None
    os: str
    python: str
    packages: dict[str, str]
    revision: str | None
    dirty: bool | None
    allocator: str
    blas: list[Pool]
    host: str | None = None
    l2_bytes: int | None = None
    quota: float | None = None
    throttled: int | None = None
    core_numbers: list[int] | None = None
    cores_shared: bool = False
    paused: list[str] = []
    revision_unknown: str | None = None

    @property
    def machine(self) -> str:
        """Machine and software in a line: times are compared within one such line only."""
        blas = ", ".join(sorted({f"{pool.library} {pool.version} {pool.kernel}" for pool in self.blas}))
        host = f" (host {self.host})" if self.host else ""
        numpy = self.packages.get("numpy", "of unknown version")
        made_of = f"{self.python}, numpy {numpy} ({blas}); allocator {self.allocator}"
        given = f", {quota.told(self.quota)}" if self.quota else ""
        return f"{self.cpu}, {self.cores} cores{given}{host}; {made_of}"


def doubts(environments: Sequence[Environment]) -> Iterator[str]:
    """What may have disturbed the timings in these environments, or is not known of them, a line for each kind."""

    def among(found: Sequence[Environment]) -> str:
        return f", in {len(found)} of {len(environments)} races" if len(environments) > 1 else ""

    stopped = [about for about in environments if about.throttled]
    short = [about for about in environments if about.quota is not None and about.quota < 1]
    if stopped:
        given = " or ".join(sorted({quota.told(about.quota) for about in stopped if about.quota}))
        times = sum(about.throttled or 0 for about in stopped)
        yield f"throttled {times} times{among(stopped)}: the process has {given}, and is stopped when that is used up"
    elif short:
        yield f"the process has {quota.told(min(about.quota or 0 for about in short))}{among(short)}"
    if crowded := [about for about in environments if about.cores_shared]:
        yield f"another race ran on the same cores{among(crowded)}: no other core was free"
    untold = [about for about in environments if about.revision_unknown not in (None, UNTRACKED)]
    if untold:
        yield f"the revision of the code is not in the record{among(untold)}: {untold[-1].revision_unknown}"


class Record(msgspec.Struct, frozen=True):
    """One race: the cell, what was found of each contestant in the order they were named, the noise, the floor.

    seconds is the time that it was given, and floor_asked whether a floor was to be raced: None in old records.
    hidden names the blocks whose gradient, on the network that was raced, is lost in the dtype's rounding.
    apart says that each pass was a process of its own; before there were such, one process ran them all.
    """

    schema: int
    cell: Cell
    contestants: list[Result]
    noise: Noise | None
    environment: Environment
    started: str
    elapsed_seconds: float
    floor: Result | None = None
    seconds: float | None = None
    floor_asked: bool | None = None
    hidden: list[str] = []
    apart: bool = False

    @property
    def setting(self) -> Setting:
        return self.cell.setting_on(self.environment.machine)

    @property
    def failures(self) -> list[Result]:
        return [result for result in self.contestants if result.failed]

    @property
    def timed_seconds(self) -> float:
        """Time spent inside slices, the second copy's among them."""
        steps = {result.name: result.steps_per_slice or 0 for result in self.contestants}
        slices = [(result.name, result.seconds) for result in self.contestants]
        if self.floor:
            steps[self.floor.name] = self.floor.steps_per_slice or 0
            slices.append((self.floor.name, self.floor.seconds))
        if self.noise:
            slices.append((self.noise.of, self.noise.seconds))
        return sum(steps[name] * taken for name, passes in slices for rounds in passes for taken in rounds if taken)


def dump(record: msgspec.Struct) -> bytes:
    """The record as one line."""
    return msgspec.json.encode(record) + b"\n"


def append(folder: Path, record: msgspec.Struct, name: str = FILE) -> None:
    """Add the record to the folder's file of this name, on the disk before this returns.

    Raises InputError where the disk is full or can't be written; of this record there is then nothing in the file.
    """
    path = folder / name
    try:
        with path.open("ab", buffering=0) as file:  # unbuffered: nothing is left to be written by closing it
            whole, line = file.tell(), memoryview(dump(record))
            try:
                while line:
                    line = line[file.write(line) :]
                os.fsync(file.fileno())
                if not whole:  # the file itself may be new
                    outputs.sync_folder(folder)
            except BaseException:
                file.truncate(whole)
                raise
    except OSError as error:
        raise InputError(f"{path} can't be written: {error.strerror}; its records are whole: make room") from error


def recover(path: Path, kind: type[Line], schema: int) -> list[Line]:
    """The records of a file that is to be added to; a last line that was cut off while it was written goes first.

    Raises InputError where a whole line is not a record.
    """
    if not path.exists():
        return []
    try:
        with path.open("r+b") as file:
            content = file.read()
            whole = content.rfind(b"\n") + 1
            if whole < len(content):
                try:
                    parse(content[whole:], kind, schema, str(path))
                except InputError:
                    file.truncate(whole)
                else:
                    file.write(b"\n")  # that is all that was cut off
    except OSError as error:
        raise InputError(f"{path} can't be read and written: {error.strerror}") from error
    lines = path.read_bytes().splitlines(keepends=True)
    return [parse(line, kind, schema, f"{path}, line {number},") for number, line in enumerate(lines, start=1)]


def aside(folder: Path) -> Path | None:
    """Where the records of a folder are set aside for those of a new run; None where it has none.

    It lies beside the folder, and is named after it and the time of its last record.
    """
    path = folder / FILE
    if not path.exists() or not path.stat().st_size:
        return None
    folder = Path(os.path.realpath(folder))
    written = datetime.fromtimestamp(path.stat().st_mtime)
    name = f"{folder.name}-{written:%Y%m%dT%H%M%S.%f}"
    while (folder.with_name(name) / FILE).exists():  # a copy that was put back
        name += "-again"
    return folder.with_name(name)


def set_aside(folder: Path) -> Path | None:
    """Move the records of a folder aside, with what was made from them: every file in it that is not hidden.

    Returns the folder that they are in now; None where there were none. Raises InputError where that can't be done;
    done again, it goes on.
    """
    try:
        if not (place := aside(folder)):
            return None
        place.mkdir(exist_ok=True)
        files = [path for path in folder.iterdir() if path.name[0] != "." and path.name != FILE and not path.is_dir()]
        for path in (*files, folder / FILE):  # the records last: while they are here, there is something to set aside
            shutil.move(path, place / path.name)
        for changed in (place, folder, place.parent):
            outputs.sync_folder(changed)
    except OSError as error:
        raise InputError(f"the records in {folder} can't be set aside: {error.strerror}; name another") from error
    return place


def that_count(found: Iterable[Record]) -> list[Record]:
    """Of each machine and cell the last record, in the order in which the cells were first raced."""
    return list({(record.environment.machine, record.cell): record for record in found}.values())


def failed(found: Iterable[Record]) -> list[Record]:
    """Of the records that count, those in which an engine failed, of cells that went well on no machine."""
    counting = that_count(found)
    well = {record.cell for record in counting if not record.failures}
    return [record for record in counting if record.cell not in well]


def load(folder: Path) -> tuple[list[Record], list[str]]:
    """The records of a folder that count, and a warning for a last line that was cut off while it was written.

    Raises InputError where there is no cells.jsonl, it has no records, or a line is not a record that this
    version can read.
    """
    found, warnings = read(folder / FILE, Record, SCHEMA)
    return that_count(found), warnings


def read(path: Path, kind: type[Line], schema: int) -> tuple[list[Line], list[str]]:
    """All of a file whose lines are records of this kind and schema; otherwise as `load`."""
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}; give a folder that a race has written") from error
    found, warnings = [], []
    for number, line in enumerate(lines, start=1):
        try:
            found.append(parse(line, kind, schema, f"{path}, line {number},"))
        except InputError:
            if line.endswith(b"\n"):
                raise
            warnings.append(f"{path}, line {number}, was cut off while it was written: it is left out")
    if not found:
        raise InputError(f"{path} holds no record: there is nothing to report")
    return found, warnings


class _Header(msgspec.Struct):
    schema: int


def parse(line: bytes, kind: type[Line], schema: int, where: str) -> Line:
    """The record in a line; InputError, which begins with `where`, for one that this version can't read."""
    try:
        given = msgspec.json.decode(line, type=_Header).schema
        if given != schema:
            raise InputError(
                f"{where} has schema {given}; this version of backprop-bench reads schema {schema} only: "
                "use the version that wrote it, or a newer one"
            )
        return msgspec.json.decode(line, type=kind)
    except msgspec.DecodeError as error:
        raise InputError(f"{where} is not a record of schema {schema}: {error}") from error
