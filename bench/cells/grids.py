"""Grids of cells: the named ones, and a user's TOML file."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from backprop import InputError
from backprop.functions import EVERYWHERE, HEAD, HEADS, HIDDEN, IDENTITY, USUAL_HEAD, USUAL_HIDDEN

from . import processors
from .cell import Cell, DType, make_cell
from .processors import cores, most_threads

EPOCH_SHARE = 4  # an epoch takes a hundred slices: its race gets this many times the seconds of another cell
MAX_HOURS = 12.0  # what is expected to take longer is begun only if that is allowed


class Axes(msgspec.Struct, forbid_unknown_fields=True):
    """A grid: each combination of these lists is a cell. The fields of a grid file, too.

    Without hidden or head, the network's functions are those asked for beside the grid, or the default.
    """

    sizes: list[str]
    batch: list[int]
    dtype: list[DType] = msgspec.field(default_factory=lambda: ["float64"])
    threads: list[int] = msgspec.field(default_factory=lambda: [1])
    hidden: list[str] | None = None
    head: list[str] | None = None


def _of_width(*layers: str) -> list[str]:
    return [f"784-{layer}-10" for layer in layers]


WIDTHS = ("10", "30", "100", "300", "1000")
BOTH: list[DType] = ["float32", "float64"]
THREADS = [1, 2] if most_threads(cores(), processors.cpus()) > 1 else [1]


def _spread(number: int, *axes: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    """So many places in the product of the axes, evenly over all of them together, the same ones every time.

    They are those of M. Roberts' sequence R_d ("The Unreasonable Effectiveness of Quasirandom Sequences", 2018).
    """
    root = 2.0
    for _ in range(50):  # of x^(d + 1) = x + 1
        root = (1 + root) ** (1 / (len(axes) + 1))
    for n in range(1, number + 1):
        yield tuple(axis[int(n * root ** -(i + 1) % 1 * len(axis))] for i, axis in enumerate(axes))


def _for_a_model(number: int) -> Iterator[Axes]:
    """Single cells for the fit of a cost model: of all sizes, batch sizes and functions, in all their company.

    No large powers of two are among the sizes: their rows meet in the same places of a cache.
    """
    widths = ("6", "15", "30", "60", "100", "200", "300", "500")
    axes = (
        ("8", "24", "60", "120", "300", "784", "1000"), (1, 2, 3), widths, widths, widths, ("2", "3", "10", "20"),
        (1, 2, 4, 10, 32, 100, 316, 1000), BOTH, tuple(EVERYWHERE), tuple(HEADS),
    )  # fmt: skip
    for inputs, depth, first, second, third, outputs, batch, dtype, hidden, head in _spread(number, *axes):
        sizes = "-".join([inputs, *(first, second, third)[:depth], outputs])
        yield Axes([sizes], [batch], [dtype], [1], [hidden], [head])


NAMED = {
    "smoke": [Axes(_of_width("10", "30"), [1, 10])],
    "default": [Axes(_of_width("10", "30", "100", "300"), [1, 3, 10, 30, 100, 300])],
    "full": [
        Axes(
            _of_width(*WIDTHS, *(f"{width}-{width}" for width in WIDTHS)),
            [1, 3, 10, 30, 100, 300, 1000],
            BOTH,
            THREADS,
        )
    ],
    "shapes": [  # from the smallest networks to large square ones; a third of it again, as most people train
        Axes(
            [
                *_of_width("10", "30", "100", "300", "100-100"),
                *("64-64-64-10", "256-128-10", "512-512-512-10", "24-8-2", "4-32-16-4"),
            ],
            [1, 10, 32, 100, 1000],
            BOTH,
            THREADS,
        ),
        Axes(
            ["784-30-10", "64-64-64-10", "24-8-2"], [1, 10, 32, 100, 1000], BOTH, THREADS, [USUAL_HIDDEN], [USUAL_HEAD]
        ),
        Axes(["256-128-10"], [10, 100], BOTH, THREADS, [USUAL_HIDDEN], [USUAL_HEAD]),
    ],
    "gate": [  # steps short enough that a pass of all takes a second, and still of every kind:
        Axes(["64-30-10", "784-30-10"], [1, 10], BOTH),  # bound by calls, and the grid's middle
        Axes(["784-100-10"], [30], BOTH),  # by arithmetic
        Axes(["784-300-10"], [1], BOTH),  # by memory
    ],
    "libraries": [Axes(["784-30-10"], [1, 10, 32, 100, 300], ["float32"])],  # all have float32; two of them by default
    "heads": [  # what functions cost: either other than the default, and both as most people train
        Axes([sizes], [batch], hidden=hidden, head=head)
        for sizes, batch in (("784-30-10", 10), ("64-64-64-10", 32))
        for hidden, head in (
            ([name for name in EVERYWHERE if name != IDENTITY.name], [HEAD]),
            ([HIDDEN], [name for name in HEADS if name != HEAD]),
            ([USUAL_HIDDEN], [USUAL_HEAD]),
        )
    ],
    "model": list(_for_a_model(96)),
}


def cells_of(
    name: str | Mapping[str, object], here: bool = True, hidden: str | None = None, head: str | None = None
) -> list[Cell]:
    """The cells of a named grid, of a TOML file or of what one says; InputError where something is wrong with it.

    here: whether it is this machine that is to race them, and its cores that have to do. hidden, head: the functions
    of every cell, for a grid that does not name them itself.
    """
    if not isinstance(name, str):
        parts, name = [_checked(name, "grid")], "given"
    elif name in NAMED:
        parts = NAMED[name]
    elif name.endswith(".toml"):
        parts = [_read(Path(name))]
    else:
        raise InputError(f"unknown grid {name!r}: there are {', '.join(NAMED)}, or the path of a .toml file")
    asked = {"hidden": hidden, "head": head}
    for field, value in asked.items():
        if value is not None and any(getattr(axes, field) is not None for axes in parts):
            raise InputError(f"grid {name} names {field} itself: leave --{field} {value} out, or take it from the grid")
    return [
        make_cell(sizes, batch, dtype, threads, hidden=activation, head=top, here=here)
        for axes in parts
        for sizes, activation, top, dtype, threads, batch in itertools.product(
            axes.sizes,
            axes.hidden or [HIDDEN if hidden is None else hidden],
            axes.head or [HEAD if head is None else head],
            axes.dtype,
            axes.threads,
            axes.batch,
        )
    ]


def name_of(cells: Collection[Cell]) -> str | None:
    """The named grid of these cells, None where there is none."""
    return next((name for name in NAMED if set(cells_of(name, here=False)) == set(cells)), None)


def _read(path: Path) -> Axes:
    try:
        return _checked(tomllib.loads(path.read_text(encoding="utf-8")), f"grid file {path}")
    except OSError as error:
        raise InputError(f"grid file {path} can't be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"grid file {path}: {error}") from error


def _checked(said: Mapping[str, object], where: str) -> Axes:
    try:
        axes = msgspec.convert(said, Axes)
    except msgspec.ValidationError as error:
        raise InputError(
            f"{where}: {error}; it takes sizes (list of text such as '784-30-10'), batch (list of "
            f"whole numbers), and if wanted dtype (list of 'float32', 'float64'), threads (list of whole numbers), "
            f"hidden (list of activations such as '{USUAL_HIDDEN}') and head (list of heads such as '{USUAL_HEAD}')"
        ) from error
    for field in axes.__struct_fields__:
        values = getattr(axes, field)
        if values is not None and (not values or len(set(values)) < len(values)):
            raise InputError(f"{where}: {field} must be a list of one or more different values")
    return axes
