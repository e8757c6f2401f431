"""What a step's time goes to, as it was raced: calls, products, and what is left, the passes over memory.

An engine's calls are raced, by itself on a network of the same depth and functions with one unit a layer; so are the
products, by the floor, whose own calls are taken off: they are among the engine's. An engine that sends samples through
one by one has the products of a batch of one, as often as there are samples. What it pays for having them so is in its
products; what another one pays for having them in a slower form than the floor's is in its passes.
"""

from __future__ import annotations

from statistics import StatisticsError, median
from typing import NamedTuple

from ..cells.cell import Cell
from ..records.record import Record, Result
from . import intervals

TOO_MUCH = 1.2  # times the whole: parts that together take more were raced in moments that differed
ONE_BY_ONE = 0.25  # of the calls at a batch of one: who pays more than this for each further sample is a loop


class Shares(NamedTuple):
    """A step's seconds by what they go to."""

    calls: float
    products: float
    passes: float


class Parts(NamedTuple):
    """What was raced of a contestant's step, in seconds: the whole, its calls, those at a batch of one; the products.

    Who sends the batch through at once has passes over its samples among `calls`, over one unit of each layer: so what
    is `outside` the arithmetic are the calls at a batch of one, where those take less.

    products are the floor's without its calls, of the whole batch, and products_alone those of a batch of one.
    """

    batch: int
    whole: float
    calls: float
    calls_alone: float
    products: float
    products_alone: float

    @property
    def one_by_one(self) -> bool:
        """Whether samples are sent through one by one: each further one costs calls."""
        return self.batch > 1 and (self.calls - self.calls_alone) / (self.batch - 1) > ONE_BY_ONE * self.calls_alone

    @property
    def outside(self) -> float:
        """The calls and nothing else."""
        return self.calls if self.one_by_one else min(self.calls, self.calls_alone)

    @property
    def made(self) -> float:
        """The products as this engine makes them."""
        return self.batch * self.products_alone if self.one_by_one else self.products

    @property
    def shares(self) -> Shares:
        """Where calls and products, each raced for itself, take more than the whole, they share it in proportion."""
        outside, made = self.outside, self.made
        fit = min(1.0, self.whole / (outside + made))
        return Shares(fit * outside, fit * made, max(0.0, self.whole - outside - made))

    def at_usual(self, pace: float) -> Parts:
        """What had been raced at the usual pace of the machine (bench/analysis/pace.py): products do not follow it."""
        return self._replace(
            whole=self.made + (self.whole - self.made) / pace,
            calls=self.calls / pace,
            calls_alone=self.calls_alone / pace,
        )


def measured(record: Record, result: Result) -> Parts | None:
    """The parts of a contestant's step; None where they were not raced, as in old records or without a floor.

    None, too, where calls and products take more than TOO_MUCH of the whole: then they do not explain it.
    """
    floor, cell = record.floor, record.cell
    if floor is None or not floor.seconds or not result.seconds:
        return None
    whole, products = intervals.typical(result.seconds), intervals.ratio(floor.seconds, result.seconds)
    if whole is None or products is None:
        return None
    of_floor = whole.value * products.value
    try:
        ground, ground_alone = _share(floor, cell, cell.bare), _share(floor, cell, cell.bare.alone)
        parts = Parts(
            cell.batch,
            whole.value,
            whole.value * _share(result, cell, cell.bare),
            whole.value * _share(result, cell, cell.bare.alone),
            of_floor * max(0.0, 1 - ground),
            of_floor * max(0.0, _share(floor, cell, cell.alone) - ground_alone),
        )
    except StatisticsError:  # a part was not raced
        return None
    return parts if parts.outside + parts.made <= TOO_MUCH * parts.whole else None


def _share(result: Result, cell: Cell, other: Cell) -> float:
    """What a step takes in the other cell, as a share of one in this, in the same rounds; StatisticsError without.

    The median over passes of the median over rounds: one pass that others disturb does not decide.
    """
    if other == cell:
        return 1.0
    passes = zip(next((part.seconds for part in result.parts if part.cell == other), []), result.seconds, strict=False)
    rounds = [
        [part / whole for part, whole in zip(*own, strict=True) if part is not None and whole is not None]
        for own in passes
    ]
    return median(median(ratios) for ratios in rounds if ratios)
