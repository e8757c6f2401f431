"""A user's .npz, read with care: what is in it is named, with the one expression that makes it fit."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations
from math import inf, prod
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from backprop import InputError

from . import capacity

WANTED = "x (samples, inputs) and y, labels (samples,) or targets (samples, outputs)"
NUMBERS = "buif"  # kinds of dtype: booleans, whole numbers, real numbers
LISTED = 8  # arrays at the most

Numbers = npt.NDArray[Any]


@dataclass(frozen=True)
class Stored:
    """An array in an archive, as its header describes it."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    place: zipfile.ZipInfo
    header_bytes: int

    def __str__(self) -> str:
        return f"{self.name} {self.shape} {'objects' if self.dtype.hasobject else self.dtype}"

    @property
    def bytes(self) -> int:
        return prod(self.shape) * self.dtype.itemsize


def read(path: Path) -> tuple[Numbers, Numbers]:
    """The arrays x (samples, inputs) and y, (samples,) or (samples, outputs), of numbers, as they are stored.

    A column of labels is given as labels (samples,). Raises InputError for anything else, in a line.
    """
    if not path.is_file():
        raise InputError(f"{path} is {'a folder' if path.is_dir() else 'no file'}: an .npz file is wanted")
    try:
        with path.open("rb") as file, _archive(file) as archive:
            found = {stored.name: stored for stored in _headers(archive)}
            if not found:
                raise ValueError(f"it is a zip file without arrays; it has {_listed(archive.namelist())}")
            if problem := _unnamed(found) or _misshapen(found["x"], found["y"]):
                raise InputError(f"{path}{problem}")
            x, y = (_load(archive, found[name]) for name in "xy")
    except InputError:
        raise
    except MemoryError as error:
        raise InputError(f"{path} does not fit into memory") from error
    except Exception as error:  # a damaged archive raises what it likes, from zlib.error to NotImplementedError
        told = getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"{path} can't be read as .npz arrays of numbers (pickled objects are not loaded): {told}"
        ) from error
    return x, y.ravel() if y.ndim == 2 and y.shape[1] == 1 else y


def as_labels(name: str, dtype: np.dtype[Any] | None = None) -> str:
    """The expression that makes labels 0, 1, 2, ... of an array of anything."""
    return f"np.unique({name}{'.astype(str)' if dtype is not None and dtype.hasobject else ''}, return_inverse=True)[1]"


def _archive(file: IO[bytes]) -> zipfile.ZipFile:
    """The zip file; ValueError says what the file is instead, where that can be told."""
    start = file.read(8)
    file.seek(0)
    if start.startswith(b"\x93NUMPY"):
        raise ValueError("it is one array, an .npy under another name: save x and y with np.savez")
    if start.startswith(b"\x80"):
        raise ValueError("it is a pickle")
    return zipfile.ZipFile(file)


def _headers(archive: zipfile.ZipFile) -> Iterator[Stored]:
    for place in archive.infolist():
        if not place.filename.endswith(".npy"):
            continue
        with archive.open(place) as member:
            version = np.lib.format.read_magic(member)
            header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, dtype = header(member)
            yield Stored(place.filename.removesuffix(".npy"), shape, dtype, place, member.tell())


def _load(archive: zipfile.ZipFile, stored: Stored) -> Numbers:
    """The whole array; ValueError where the archive does not hold what the header says."""
    there = stored.place.file_size - stored.header_bytes
    if there != stored.bytes:
        raise ValueError(f"it is damaged: {stored} is {stored.bytes:,} bytes, and {there:,} are there")
    if stored.bytes > (capacity.memory_bytes() or inf):
        raise InputError(f"{archive.filename}: {stored} is {stored.bytes:,} bytes, more than this machine's memory")
    with archive.open(stored.place) as member:
        array: Numbers = np.lib.format.read_array(member, allow_pickle=False)
        member.read()  # to the end, where the checksum is compared
    return array


def _unnamed(found: dict[str, Stored]) -> str | None:
    """What to say where there is no x or no y: which arrays there are, and how a likely pair of them is made to fit."""
    missing = " and ".join(f"no array {name}" for name in "xy" if name not in found)
    if not missing:
        return None
    pair = _likely(found)
    return f" has {missing}: it has {_listed(found.values())}" + (
        f": save {_made_to_fit(*pair)}" if pair else f", and needs {WANTED}"
    )


def _likely(found: dict[str, Stored]) -> tuple[Stored, Stored] | None:
    """The two arrays that look most like x and y: as many samples, names alike, x the larger; None where none do."""

    def rank(pair: tuple[Stored, Stored]) -> tuple[bool, int, bool, int, int]:
        x, y = pair
        words = [set(re.split(r"[^a-z0-9]+", one.name.lower())) for one in pair]
        alike = words[0] & words[1]
        return (x.name == "x" or y.name == "y", len(alike), "train" in alike, prod(x.shape), -prod(y.shape))

    def possible(x: Stored, y: Stored) -> bool:
        return _samples(x, y) is not None and len(x.shape) > 1 and prod(x.shape) > prod(y.shape) and x.name != "y"

    return max((pair for pair in permutations(found.values(), 2) if possible(*pair)), key=rank, default=None)


def _samples(x: Stored, y: Stored) -> int | None:
    """How many samples x and y have, whatever their order of axes; None where they do not go together."""
    shared = [n for n in (*y.shape[:1], *y.shape[-1:]) if n > 1 and n in (*x.shape[:1], *x.shape[-1:])]
    return shared[0] if shared and (len(y.shape) <= 2 or prod(y.shape) in shared) else None


def _made_to_fit(x: Stored, y: Stored) -> str:
    """What to save: x=... and y=... in terms of arrays as they are in the archive."""
    samples = _samples(x, y)
    told, labels = x.name, y.name
    if x.dtype.names:
        told = f"np.array({told}.tolist())"
    elif x.dtype.hasobject or x.dtype.kind in "SUMm":  # text, times
        told += ".astype(float)"
    elif x.dtype.kind == "c":
        told += ".real"
    elif x.dtype == np.int8:
        told += ".view(np.uint8)"
    if samples is not None and len(x.shape) > 1 and x.shape[0] != samples:
        told += ".T" if len(x.shape) == 2 else f".reshape(-1, {samples}).T"
    elif len(x.shape) != 2 and not x.dtype.names:
        told += f".reshape({x.shape[0]}, -1)"
    if x.dtype in (np.uint8, np.int8):
        told += " / 255"
    if y.dtype.hasobject or y.dtype.kind not in NUMBERS:
        labels = as_labels(y.name, y.dtype)
    elif samples is not None and len(y.shape) > 1 and prod(y.shape) == samples and y.shape != (samples, 1):
        labels += ".ravel()"
    elif samples is not None and y.shape[0] != samples:
        labels += ".T"
    return f"x={told}, y={labels}"


def _misshapen(x: Stored, y: Stored) -> str | None:
    """What is wrong with the dtypes and shapes of x and y, and what would make them fit; None where nothing is."""
    save = f": save {_made_to_fit(x, y)}"
    for array in (x, y):
        if array.dtype.hasobject:
            return f": {array.name} holds Python objects, and pickled objects are not loaded{save}"
        if array.dtype.kind not in NUMBERS:
            return f": {array.name} must be numbers, not {array.dtype}{save}"
    if 0 in x.shape or not x.shape:
        return f": x must be (samples, inputs), not {x.shape}"
    samples = _samples(x, y)
    if len(x.shape) != 2 or (samples is not None and x.shape[0] != samples):
        return f": x must be (samples, inputs), not {x.shape}{save}"
    if len(y.shape) not in (1, 2) or y.shape[0] != x.shape[0]:
        wanted = f": y must be labels (samples,) or targets (samples, outputs) for x of {x.shape}, not {y.shape}"
        return wanted + (save if samples is not None else "")
    return None


def _listed(things: Any) -> str:
    named = [str(thing) for thing in things]
    return ", ".join(named[:LISTED]) + (f", and {len(named) - LISTED} more" if len(named) > LISTED else "")
