"""The prices of an engine, and of a machine's products, fitted to what was raced: to each part by itself, where it was.

Calls are fitted to an engine's own on networks of one unit a layer, products to all floors of a machine, dtype and
number of threads, whatever the engine, and passes to what is left of steps. A race without parts counts as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from ..cells.cell import Cell
from . import prices, work
from .prices import Floats, Prices
from .shares import ONE_BY_ONE, Parts, Shares
from .work import TERMS, Caches

CALLS, PRODUCTS, PASSES = (np.array([term.part == part for term in TERMS]) for part in Shares._fields)

# What is told where only whole steps were raced: (TERMS, groups), 1 where a term's price is that of a group. All passes
# are one group, and what is subtle is in none.
_GROUPS = [None if term.subtle else term.part if term.part == "passes" else term.name for term in TERMS]
WHOLE = np.array([[own == group for group in dict.fromkeys(filter(None, _GROUPS))] for own in _GROUPS], float)
PARTS = np.diag(PASSES).astype(float)


class Timing(NamedTuple):
    """What a step of a cell took, in seconds, and its parts where they were raced."""

    cell: Cell
    seconds: float
    parts: Parts | None


class Machine(NamedTuple):
    """What all engines share: the caches, the pace of a copy within the second level, and the prices of products.

    cache_bytes_per_second is None where it was not measured; products, (TERMS,), where no floor was raced with parts.
    """

    caches: Caches
    cache_bytes_per_second: float | None
    products: Floats | None

    @property
    def least(self) -> Floats:
        """What a price must be at least, for each of TERMS: no pass is quicker than the copy."""
        pace = self.cache_bytes_per_second
        return np.array([1 / pace if pace and term.part == "passes" and term.unit == "byte" else 0.0 for term in TERMS])

    def work(self, cells: Iterable[Cell], one_by_one: bool) -> Floats:
        """What these cells' steps take of each of TERMS, (cells, terms)."""
        return np.array([work.of_step(cell, self.caches, one_by_one) for cell in cells], float)


def products(timed: Iterable[Timing], caches: Caches) -> Floats | None:
    """The prices of products, by the floors of all engines' races: of each cell, and of its network at a batch of one.

    None where no parts were raced.
    """
    raced: dict[Cell, list[float]] = {}
    for cell, _, parts in timed:
        if parts:
            raced.setdefault(cell, []).append(parts.products)
            raced.setdefault(replace(cell, batch=1), []).append(parts.products_alone)
    seconds = {cell: median(taken) for cell, taken in raced.items() if median(taken) > 0}
    if not seconds:
        return None
    done = Machine(caches, None, None).work(seconds, one_by_one=False) * PRODUCTS
    return _fitted_to(done, list(seconds.values()))


def goes_one_by_one(timings: Sequence[Timing], machine: Machine) -> bool:
    """Whether samples are sent through one by one, by the parts that were raced, or else by the prices of calls."""
    told = [timing.parts.one_by_one for timing in timings if timing.parts and timing.cell.batch > 1]
    if told:
        return sum(told) > len(told) / 2
    pair = [replace(timings[0].cell, batch=batch) for batch in (1, 2)]
    alone, two = machine.work(pair, one_by_one=False) * CALLS @ engine(timings, machine, one_by_one=False).each
    return bool(two - alone > ONE_BY_ONE * alone)


def engine(timings: Sequence[Timing], machine: Machine, one_by_one: bool) -> Prices:
    """The prices of an engine, by these timings: of its calls by what was raced of them, then of all that is left."""
    done = machine.work([timing.cell for timing in timings], one_by_one)
    whole = np.array([timing.seconds for timing in timings])
    known = np.zeros(len(TERMS)) if machine.products is None else machine.products
    told = WHOLE if machine.products is None else WHOLE * ~PRODUCTS[:, np.newaxis]
    raced = [(replace(t.cell, sizes=(1,) * len(t.cell.sizes)), t.parts) for t in timings if t.parts]
    if raced:
        bare = [cell for cell, _ in raced] + [replace(cell, batch=1) for cell, _ in raced]
        seconds = [parts.calls for _, parts in raced] + [parts.calls_alone for _, parts in raced]
        known = known + _fitted_to(machine.work(bare, one_by_one) * CALLS, seconds)
        told = PARTS
    paid = done @ known
    for row, (cell, _, parts) in enumerate(timings):
        if parts:  # what the products took, in the place of what they are priced at
            made = cell.batch * parts.products_alone if one_by_one else parts.products
            paid[row] += made - done[row, PRODUCTS] @ known[PRODUCTS]
    least = (told * machine.least[:, np.newaxis]).max(axis=0)
    each, at_least = prices.fitted(done @ told, whole - paid, whole, least)
    return Prices(told @ each + known, told @ at_least > 0)


def _fitted_to(done: Floats, seconds: Sequence[float]) -> Floats:
    taken = np.array(seconds)
    return prices.fitted(done, taken, taken, np.zeros(len(TERMS))).each
