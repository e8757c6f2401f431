"""The cost model: what a step takes, as four prices times four counts, for each engine, dtype and thread count.

    seconds = layers * a  +  layers * batch * b  +  flops * c  +  bytes * d

a and b are the interpreter and its calls, paid for each layer of a step and for each layer of a sample; 1/c is the
flop/s that the products achieve, 1/d the bytes/s of the passes over parameters and activations. The prices are
fitted to what a grid measured, by least squares on relative residuals with none below zero (C. Lawson and R. Hanson,
Solving Least Squares Problems, 1974, chapter 23), and judged on cells that the fit has not seen.

An array too large for the second-level cache counts FAR times its bytes, where the record tells that cache's size. An
engine that sends samples through one by one has products bound by memory: for such a one (the fit tells, by the price
of a sample) flops count FAR times, too, where the parameters are too large.
This form was chosen with the published default and full grids in view, so the errors there are smaller than elsewhere:
tests/trials/holdout.py sets a model against cells that no choice was made with.
Where it breaks: one rate of the products stands for every size, though a mini-batch of one is bound by memory for
every engine; and a second thread pays in some cells only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

from ..cells.cell import Cell, Setting
from ..records.record import Record
from . import intervals
from .shares import Shares

Floats = npt.NDArray[np.float64]

PARAMETER_MOVES = 4  # its gradient is written and read, it is read and written
ACTIVATION_MOVES = 8  # forward: z and a written and read; backward: a read twice, delta written and read
FAR = 2  # times as dear: a byte from beyond the second-level cache, which holds two arrays that take half of it each
LOOP = 0.5  # an engine that pays more than this share of a step's price for each sample sends them through one by one
FEWEST = (8, 3, 2)  # cells, batch sizes and layer sizes that a fit must have, to be judged without each in turn
RESAMPLES = 999  # of the cells, for the interval of a crossover


class Counts(NamedTuple):
    """What a step of a cell has to do, whatever the engine: layers, layers times samples, flops, bytes."""

    layers: int
    samples: int
    flops: int
    bytes: int


class Miss(NamedTuple):
    """A prediction of a cell by a fit that had not seen its batch size, or its layer sizes; error is relative."""

    cell: Cell
    error: float


@dataclass(frozen=True)
class Model:
    """The prices of an engine in one setting, in seconds for each unit of Counts, and what they were fitted to."""

    engine: str
    setting: Setting
    l2_bytes: int | None
    one_by_one: bool
    cells: tuple[Cell, ...]
    measured: tuple[float, ...]
    prices: tuple[float, ...]
    unseen: tuple[Miss, ...]

    def shares(self, cell: Cell) -> Shares:
        layers, samples, flops, passes = np.multiply(self.prices, counts(cell, self.l2_bytes, self.one_by_one)).tolist()
        return Shares(layers + samples, flops, passes)

    def work(self, cells: Sequence[Cell]) -> Floats:
        """The counts of these cells' steps, (cells, 4), as the prices are for."""
        return _matrix(cells, self.l2_bytes, self.one_by_one)

    def seconds(self, cell: Cell) -> float:
        """The prediction for a step."""
        return sum(self.shares(cell))

    @property
    def median_error(self) -> float:
        return median(abs(miss.error) for miss in self.unseen)

    @property
    def worst(self) -> Miss:
        return max(self.unseen, key=lambda miss: abs(miss.error))

    def is_beyond(self, cell: Cell) -> bool:
        """Whether the cell lies outside the batch sizes, parameters or depths of the grid."""

        def outside(value: int, seen: Iterable[int]) -> bool:
            known = list(seen)
            return not min(known) <= value <= max(known)

        return (
            outside(cell.batch, (own.batch for own in self.cells))
            or outside(cell.parameters, (own.parameters for own in self.cells))
            or outside(len(cell.sizes), (len(own.sizes) for own in self.cells))
        )

    @cached_property
    def resampled(self) -> Floats:
        """Prices (RESAMPLES, 4) of cells drawn with replacement; models of the same cells draw the same ones."""
        rng = np.random.default_rng(0)
        work, seconds = self.work(self.cells), np.array(self.measured)
        draws = rng.integers(len(self.cells), size=(RESAMPLES, len(self.cells)))
        return np.array([_prices(work[draw], seconds[draw]) for draw in draws])


def counts(cell: Cell, l2_bytes: int | None = None, one_by_one: bool = False) -> Counts:
    """The counts of a step, on a machine with a second-level cache of this size.

    flops are those of the products, Cell.flops; FAR times as many for an engine that sends samples through one by one
    where the parameters take more than half of the cache: it fetches them anew for each sample. bytes are itemsize
    times: each parameter PARAMETER_MOVES times, each activation ACTIVATION_MOVES times and each input once a sample;
    FAR times as many for those of the three that take more than half of the cache. What the products read and write
    beside that is in their flop/s.
    """
    layers, itemsize = len(cell.sizes) - 1, np.dtype(cell.dtype).itemsize

    def dearth(numbers: int) -> int:
        return FAR if l2_bytes is not None and 2 * numbers * itemsize > l2_bytes else 1

    passes = sum(
        numbers * itemsize * times * dearth(numbers)
        for numbers, times in (
            (cell.parameters, PARAMETER_MOVES),
            (cell.batch * sum(cell.sizes[1:]), ACTIVATION_MOVES),
            (cell.batch * cell.sizes[0], 1),
        )
    )
    flops = cell.flops * (dearth(cell.parameters) if one_by_one else 1)
    return Counts(layers, layers * cell.batch, flops, passes)


def models(found: Iterable[Record]) -> list[Model]:
    """A model for each setting and engine that enough cells were timed of; cells over a data set are no part of it."""
    timed: dict[tuple[Setting, str, int | None], dict[Cell, float]] = {}
    for record in found:
        cell = record.cell
        if cell.data == "random":
            for result in record.contestants:
                if typical := intervals.typical(result.seconds):
                    key = (record.setting, result.name, record.environment.l2_bytes)
                    timed.setdefault(key, {})[cell] = typical.value
    return [_fitted(engine, setting, l2, own) for (setting, engine, l2), own in timed.items() if _are_enough(own)]


def _are_enough(cells: Iterable[Cell]) -> bool:
    own = list(cells)
    have = (len(own), len({cell.batch for cell in own}), len({cell.sizes for cell in own}))
    return all(number >= least for number, least in zip(have, FEWEST, strict=True))


def _fitted(engine: str, setting: Setting, l2_bytes: int | None, measured: Mapping[Cell, float]) -> Model:
    """The model of these timings, with a prediction of each cell without its batch size and one without its sizes."""
    cells, seconds = list(measured), np.array(list(measured.values()))
    misses = []
    for groups in ([cell.batch for cell in cells], [cell.sizes for cell in cells]):
        for group in dict.fromkeys(groups):
            unseen = np.array([own == group for own in groups])
            seen = [cell for cell, left_out in zip(cells, unseen, strict=True) if not left_out]
            own = [cell for cell, left_out in zip(cells, unseen, strict=True) if left_out]
            prices, one_by_one = _fit(seen, seconds[~unseen], l2_bytes)
            errors = _matrix(own, l2_bytes, one_by_one) @ prices / seconds[unseen] - 1
            misses += [Miss(cell, float(error)) for cell, error in zip(own, errors, strict=True)]
    prices, one_by_one = _fit(cells, seconds, l2_bytes)
    fitted = tuple(prices.tolist())
    taken = tuple(measured.values())
    return Model(engine, setting, l2_bytes, one_by_one, tuple(cells), taken, fitted, tuple(misses))


def _fit(cells: Sequence[Cell], seconds: Floats, l2_bytes: int | None) -> tuple[Floats, bool]:
    """The prices, and whether they are those of an engine that sends samples through one by one."""
    prices = _prices(_matrix(cells, l2_bytes, one_by_one=False), seconds)
    if prices[1] <= LOOP * prices[0]:
        return prices, False
    return _prices(_matrix(cells, l2_bytes, one_by_one=True), seconds), True


def _matrix(cells: Sequence[Cell], l2_bytes: int | None, one_by_one: bool) -> Floats:
    return np.array([counts(cell, l2_bytes, one_by_one) for cell in cells], float)


def _prices(work: Floats, seconds: Floats) -> Floats:
    relative = work / seconds[:, np.newaxis]
    scale = relative.max(axis=0)  # columns of one size: counts differ by nine orders of magnitude
    prices: Floats = nnls(relative / scale, np.ones(len(seconds)))[0] / scale
    return prices
