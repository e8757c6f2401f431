"""Records on disk: a line of JSON for each race, written when the race ends and read back with care."""

from __future__ import annotations

import gzip
import os
import shutil
import zlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec

from backprop import InputError

from . import outputs
from .record import SCHEMA, Record

FILE = "cells.jsonl"

Line = TypeVar("Line", bound=msgspec.Struct)
"""What one line of a file of records holds."""


def files(path: Path) -> list[Path]:
    """Where the records of this file are: in a compressed one beside it, which nothing is added to, and in itself."""
    return [each for each in (path.with_name(f"{path.name}.gz"), path) if each.exists()]


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

    Those that lie compressed beside it come first. Raises InputError where a whole line is not a record.
    """
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
    except FileNotFoundError:
        pass
    except OSError as error:
        raise InputError(f"{path} can't be read and written: {error.strerror}") from error
    return [parse(line, kind, schema, where) for each in files(path) for where, line in _lines(each)]


def aside(folder: Path) -> Path | None:
    """Where the records of a folder are set aside for those of a new run; None where it has none.

    It lies beside the folder, and is named after it and the time of its last record.
    """
    held = files(folder / FILE)
    if not any(path.stat().st_size for path in held):
        return None
    folder = Path(os.path.realpath(folder))
    written = datetime.fromtimestamp(max(path.stat().st_mtime for path in held))
    name = f"{folder.name}-{written:%Y%m%dT%H%M%S.%f}"
    while any((folder.with_name(name) / path.name).exists() for path in held):  # a copy that was put back
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
        held = files(folder / FILE)
        others = [path for path in folder.iterdir() if path.name[0] != "." and path not in held and not path.is_dir()]
        for path in (*others, *held):  # the records last: while they are here, there is something to set aside
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

    Raises InputError where there is no cells.jsonl or cells.jsonl.gz, it has no records, or a line is not a record that
    this version can read.
    """
    found, warnings = read(folder / FILE, Record, SCHEMA)
    return that_count(found), warnings


def read(path: Path, kind: type[Line], schema: int) -> tuple[list[Line], list[str]]:
    """All of a file whose lines are records of this kind, of this schema or an older one; otherwise as `load`."""
    found, warnings = [], []
    for where, line in chain.from_iterable(map(_lines, files(path) or [path])):
        try:
            found.append(parse(line, kind, schema, where))
        except InputError:
            if line.endswith(b"\n"):
                raise
            warnings.append(f"{where} was cut off while it was written: it is left out")
    if not found:
        raise InputError(f"{path} holds no record: there is nothing to report")
    return found, warnings


def _lines(path: Path) -> Iterator[tuple[str, bytes]]:
    """Each line of a file, compressed or not, after where it is."""
    try:
        content = path.read_bytes()
        lines = (gzip.decompress(content) if path.suffix == ".gz" else content).splitlines(keepends=True)
    except (OSError, EOFError, zlib.error) as error:
        why = getattr(error, "strerror", None) or f"it is broken: {error}"
        raise InputError(f"{path} can't be read: {why}; give a folder that a race has written") from error
    for number, line in enumerate(lines, start=1):
        yield f"{path}, line {number},", line


class _Header(msgspec.Struct):
    schema: Annotated[int, msgspec.Meta(ge=1)]


def schema_of(content: bytes) -> int:
    """The number that the content begins to be read by; raises msgspec.DecodeError where it has none."""
    return msgspec.json.decode(content, type=_Header).schema


def parse(line: bytes, kind: type[Line], schema: int, where: str) -> Line:
    """The record in a line, of this schema or an older one: what that did not have is as it was then, by default.

    Raises InputError, which begins with `where`, for a line that this version can't read.
    """
    try:
        given = schema_of(line)
        if given > schema:
            raise InputError(
                f"{where} has schema {given}; this version of backprop-bench reads up to schema {schema}: "
                "use the version that wrote it, or a newer one"
            )
        return msgspec.json.decode(line, type=kind)
    except msgspec.DecodeError as error:
        raise InputError(f"{where} is not a record that this version of backprop-bench reads: {error}") from error
