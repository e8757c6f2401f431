"""A published claim as data: who said what, by which factor, and the two contestants that it compares."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from backprop import InputError
from backprop.errors import did_you_mean
from backprop.functions import HEAD, HIDDEN

from ..cells.cell import Cell, DType, make_cell

PUBLISHED = Path(__file__).with_name("published.toml")


class Arm(NamedTuple):
    """An engine, or a way to make a product, in a cell."""

    engine: str
    cell: Cell


class Comparison(NamedTuple):
    """The two arms, and where on the claim's axis they are, such as batch 10: empty where it has none."""

    place: str
    slow: Arm
    fast: Arm


class PartialCell(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A cell, or a part of one: what is None is said elsewhere, or is the default."""

    sizes: str | None = None
    batch: int | None = None
    dtype: DType | None = None
    threads: int | None = None
    hidden: str | None = None
    head: str | None = None

    def over(self, other: PartialCell) -> PartialCell:
        """These, and where they say nothing the other's."""
        both = ((name, getattr(self, name), getattr(other, name)) for name in PartialCell.__struct_fields__)
        return PartialCell(**{name: others if own is None else own for name, own, others in both})

    def cell(self, here: bool) -> Cell:
        """The cell; InputError where there is none, or this machine, if it is `here`, can't race it."""
        return make_cell(
            self.sizes or "",
            self.batch or 0,
            self.dtype or "float64",
            self.threads or 1,
            hidden=self.hidden or HIDDEN,
            head=self.head or HEAD,
            here=here,
        )


class Side(PartialCell, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One of the two that are compared, an engine or a way of ways.py, with what its cell has of its own."""

    engine: str


class Claim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody has said of two ways to take a step, or to make a product.

    title is its line in a table; said, in a short quotation or in our words, with figures in `unit`; where, its
    address. factor is the time of `slow` over that of `fast`, for each sample where their batch sizes differ; a pair is
    a range, 1 says that there is no difference, and None that no figure was told. compared says what is set against
    what, and setting what is known of how, with all that is otherwise here; otherwise, in few words for the table, what
    of it may move the factor. unlike says why what is raced here is not what was said: then it is not judged. cell has
    what both have in common; over, several sizes or batch sizes for those that do not say it themselves.
    """

    name: str
    title: str
    who: str
    where: str
    said: str
    unit: str
    compared: str
    setting: str
    slow: Side
    fast: Side
    cell: PartialCell
    factor: float | tuple[float, float] | None = None
    over: dict[Literal["sizes", "batch"], list[Any]] = {}
    otherwise: str = ""
    unlike: str = ""

    def __post_init__(self) -> None:
        if len(self.over) > 1:
            raise InputError(f"claim {self.name} is over {' and '.join(self.over)}: it can be over one of them only")

    @property
    def span(self) -> tuple[float, float] | None:
        """The ends of what was claimed, which may be one."""
        return self.factor if isinstance(self.factor, tuple) or self.factor is None else (self.factor, self.factor)

    @property
    def of_no_difference(self) -> bool:
        return self.span == (1.0, 1.0)

    def comparisons(self, here: bool = False) -> Iterator[Comparison]:
        """What is to be raced, in order; InputError where this machine, if it is `here`, can't."""
        places: list[tuple[str, PartialCell]] = [("", PartialCell())]
        for axis, values in self.over.items():
            told = f"{axis} {{}}" if axis == "batch" else "{}"
            places = [(told.format(value), PartialCell(**{axis: value})) for value in values]
        for place, at in places:
            slow, fast = (Arm(side.engine, side.over(at).over(self.cell).cell(here)) for side in (self.slow, self.fast))
            yield Comparison(place, slow, fast)


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What published.toml holds."""

    claim: list[Claim]


def published() -> list[Claim]:
    """Every published claim, in order."""
    return msgspec.convert(tomllib.loads(PUBLISHED.read_text(encoding="utf-8")), File).claim


def named(only: Sequence[str]) -> list[Claim]:
    """The claims of these names, in lists a,b,...; all where there are none. InputError for an unknown name."""
    every = published()
    asked = [name.strip() for part in only for name in part.split(",")]
    known = [claim.name for claim in every]
    for name in asked:
        if name not in known:
            near = did_you_mean(name, known)
            raise InputError(f"unknown claim {name!r}: {near}there are {', '.join(known)}")
    return [claim for claim in every if claim.name in asked or not asked]
