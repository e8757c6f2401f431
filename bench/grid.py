"""Cells, what a race is held in, and grids of them: the named ones, and a user's TOML file."""

from __future__ import annotations

import itertools
import os
from functools import cache
from pathlib import Path
from typing import Literal, get_args
from unicodedata import category

import msgspec

from backprop import InputError

from . import capacity, quota
from .setting import Setting

DType = Literal["float32", "float64"]
EPOCH_SHARE = 4  # an epoch takes a hundred slices: its race gets this many times the seconds of another cell
MAX_HOURS = 12.0  # what is expected to take longer is begun only if that is allowed
UNFIT = ("Cs", "Cc", "Zl", "Zp")  # by Unicode: halves of what is no UTF-8, control characters, ends of lines


@cache
def cores() -> int:
    """How many cores this process might run on when it started."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def most_threads(cores: int, given: float | None) -> int:
    """How many threads can be timed on so many cores, with the time of so many processors given; None for no quota."""
    return cores if given is None else min(cores, max(1, int(given)))


class Cell(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One setting of everything that a race holds fixed.

    sizes: units in each layer, inputs first. data: "random", where a slice is some steps on one random
    mini-batch; or a data set's name, where a slice is one epoch over its training part.
    """

    sizes: tuple[int, ...]
    batch: int
    dtype: DType = "float64"
    threads: int = 1
    data: str = "random"

    @property
    def id(self) -> str:
        """The cell in one word, such as 784-30-10-b10-float64-t1."""
        word = f"{format_sizes(self.sizes)}-b{self.batch}-{self.setting_on()}"
        return word if self.data == "random" else f"{word}-{self.data}"

    def setting_on(self, machine: str = "") -> Setting:
        return Setting(machine, self.dtype, self.threads)

    @property
    def flops(self) -> int:
        """Floating-point operations in the products of a step: the first layer has two, the others three."""
        forward = [2 * self.batch * n_in * n_out for n_in, n_out in itertools.pairwise(self.sizes)]
        return 3 * sum(forward) - forward[0]


class Axes(msgspec.Struct, forbid_unknown_fields=True):
    """A grid: each combination of these lists is a cell. The fields of a grid file, too."""

    sizes: list[str]
    batch: list[int]
    dtype: list[DType] = msgspec.field(default_factory=lambda: ["float64"])
    threads: list[int] = msgspec.field(default_factory=lambda: [1])


def _hidden(*layers: str) -> list[str]:
    return [f"784-{layer}-10" for layer in layers]


WIDTHS = ("10", "30", "100", "300", "1000")
BOTH: list[DType] = ["float32", "float64"]
NAMED = {
    "smoke": [Axes(_hidden("10", "30"), [1, 10])],
    "default": [Axes(_hidden("10", "30", "100", "300"), [1, 3, 10, 30, 100, 300])],
    "full": [
        Axes(
            _hidden(*WIDTHS, *(f"{width}-{width}" for width in WIDTHS)),
            [1, 3, 10, 30, 100, 300, 1000],
            BOTH,
            [1, 2] if most_threads(cores(), quota.cpus()) > 1 else [1],
        )
    ],
    "gate": [  # steps short enough that a pass of all takes a second, and still of every kind:
        Axes(["64-30-10", "784-30-10"], [1, 10], BOTH),  # bound by dispatch, and the grid's middle
        Axes(["784-100-10"], [30], BOTH),  # by arithmetic
        Axes(["784-300-10"], [1], BOTH),  # by memory
    ],
}


def load(name: str, here: bool = True) -> list[Cell]:
    """The cells of a named grid or of a TOML file; InputError where there is something wrong with either.

    here: whether it is this machine that is to race them, and its cores that have to do.
    """
    if name in NAMED:
        parts = NAMED[name]
    elif name.endswith(".toml"):
        parts = [_read(Path(name))]
    else:
        raise InputError(f"unknown grid {name!r}: there are {', '.join(NAMED)}, or the path of a .toml file")
    return [
        make_cell(sizes, batch, dtype, threads, here=here)
        for axes in parts
        for sizes, dtype, threads, batch in itertools.product(axes.sizes, axes.dtype, axes.threads, axes.batch)
    ]


def make_cell(sizes: str, batch: int, dtype: str, threads: int, data: str = "random", *, here: bool = True) -> Cell:
    """A cell that this machine, if it is `here`, can race; InputError names what is wrong and what is accepted."""
    check_name(data, "data set")
    if batch < 1:
        raise InputError(f"batch must be 1 or more, not {batch}")
    if dtype not in get_args(DType):
        raise InputError(f"unknown dtype {dtype!r}: there are {' and '.join(get_args(DType))}")
    given = quota.cpus() if here and threads > 1 else None
    if threads < 1 or (here and threads > cores()):
        bound = f"from 1 to {cores()}, the cores of this machine" if here else "1 or more"
        raise InputError(f"threads must be {bound}, not {threads}")
    if given is not None and threads > most_threads(cores(), given):
        raise InputError(
            f"threads must be at most {most_threads(cores(), given)}, not {threads}: this process has "
            f"{quota.told(given)}"
        )
    cell = Cell(parse_sizes(sizes), batch, dtype, threads, data)  # type: ignore[arg-type]  # checked above
    if here:
        capacity.check(cell.id, cell.sizes, cell.batch, cell.dtype)
    return cell


def check_name(name: str, what: str) -> None:
    """InputError for a name that no record can hold, or that is more than one line of text: `what` it names."""
    if bad := next((character for character in name if category(character) in UNFIT), None):
        way_out = "rename it, or set LC_ALL=C.UTF-8" if category(bad) == "Cs" else "rename it"
        raise InputError(f"{what} {name!a} has {bad!a} in its name, which is no text for a record: {way_out}")


def parse_batches(text: str) -> list[int]:
    """Batch sizes from text such as 10 or 1,10,100."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and int(part) > 0 for part in parts) or len(
        batches := list(dict.fromkeys(int(part) for part in parts))
    ) < len(parts):
        raise InputError(f"--batch takes different whole numbers of 1 or more, such as 10 or 1,10,100, not {text!r}")
    return batches


def parse_sizes(text: str) -> tuple[int, ...]:
    """Layer sizes from text such as 784-30-10."""
    parts = text.split("-")
    if len(parts) < 2 or not all(part.isascii() and part.isdigit() and int(part) > 0 for part in parts):
        raise InputError(f"sizes must be two or more positive numbers such as 784-30-10, not {text!r}")
    return tuple(int(part) for part in parts)


def format_sizes(sizes: tuple[int, ...]) -> str:
    """The inverse of parse_sizes."""
    return "-".join(str(size) for size in sizes)


def _read(path: Path) -> Axes:
    try:
        axes = msgspec.toml.decode(path.read_bytes(), type=Axes)
    except OSError as error:
        raise InputError(f"grid file {path} can't be read: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(
            f"grid file {path}: {error}; it takes sizes (list of text such as '784-30-10'), batch (list of "
            f"whole numbers), and if wanted dtype (list of 'float32', 'float64') and threads (list of whole numbers)"
        ) from error
    for field in axes.__struct_fields__:
        values = getattr(axes, field)
        if not values or len(set(values)) < len(values):
            raise InputError(f"grid file {path}: {field} must be a list of one or more different values")
    return axes
