"""Grids of cells: the named ones, and a user's TOML file."""

from __future__ import annotations

import itertools
from pathlib import Path

import msgspec

from backprop import InputError

from . import processors
from .cell import Cell, DType, make_cell
from .processors import cores, most_threads

EPOCH_SHARE = 4  # an epoch takes a hundred slices: its race gets this many times the seconds of another cell
MAX_HOURS = 12.0  # what is expected to take longer is begun only if that is allowed


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
            [1, 2] if most_threads(cores(), processors.cpus()) > 1 else [1],
        )
    ],
    "gate": [  # steps short enough that a pass of all takes a second, and still of every kind:
        Axes(["64-30-10", "784-30-10"], [1, 10], BOTH),  # bound by dispatch, and the grid's middle
        Axes(["784-100-10"], [30], BOTH),  # by arithmetic
        Axes(["784-300-10"], [1], BOTH),  # by memory
    ],
}


def cells_of(name: str, here: bool = True) -> list[Cell]:
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
