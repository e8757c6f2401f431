"""The prices of an engine, and of a machine's products, fitted to what was raced: to each part by itself, where it was.

Calls are fitted to an engine's own on networks of one unit a layer, products to all floors of a machine, dtype and
number of threads, whatever the engine, and passes to what is left of steps. A race without parts counts as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import sqrt
from statistics import median
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from ..cells.cell import Cell
from . import prices, work
from .prices import Floats, Prices
from .shares import ONE_BY_ONE, Parts, Shares
from .work import TERMS, Beyond, Caches

CALLS, PRODUCTS, PASSES = (np.array([term.part == part for term in TERMS]) for part in Shares._fields)

# What is told where only whole steps were raced: (TERMS, groups), 1 where a term's price is that of a group. All passes
# are one group, and what is subtle is in none.
_GROUPS = [None if term.subtle else term.part if term.part == "passes" else term.name for term in TERMS]
WHOLE = np.array([[own == group for group in dict.fromkeys(filter(None, _GROUPS))] for own in _GROUPS], float)
PARTS = np.diag(PASSES).astype(float)

HINT = 0.1  # what the rate of a copy counts, of a race: it decides where races tell next to nothing of a far pass


class Timing(NamedTuple):
    """What a step of a cell took, in seconds, and its parts where they were raced."""

    cell: Cell
    seconds: float
    parts: Parts | None

    def at_usual(self, pace: float) -> Timing:
        """What it had taken at the usual pace of its machine, which products do not follow; as it is without parts."""
        if self.parts is None:
            return self
        parts = self.parts.at_usual(pace)
        return Timing(self.cell, parts.whole, parts)


class Machine(NamedTuple):
    """What all engines share: the caches, the usual rates of copies in a core's second level and in memory, products.

    The rates are None where they were not measured; products are prices, (TERMS,), None where no floor had parts.
    """

    caches: Caches
    cache_bytes_per_second: float | None = None
    copy_bytes_per_second: float | None = None
    products: Floats | None = None

    @property
    def least(self) -> Floats:
        """What a price must be at least, for each of TERMS: no pass is quicker than a copy from there.

        Passes are taken to have one core: NumPy's and Numba's have.
        """
        rates = [
            self.copy_bytes_per_second if term.beyond == "the last cache" else self.cache_bytes_per_second
            for term in TERMS
        ]
        passes = [term.part == "passes" and term.unit == "byte" for term in TERMS]
        return np.array([1 / rate if rate and is_pass else 0.0 for rate, is_pass in zip(rates, passes, strict=True)])

    @property
    def hints(self) -> tuple[Floats, Floats]:
        """What the copies tell of passes beyond a cache: rows (n, TERMS), and what these make by the prices, (n,).

        In units of what a copy takes. A pass costs as much more beyond a cache than within it as a copy does, so that
        nothing is paid beyond it for what is not done within; and one that is made in any case takes what a copy takes.
        The last cache is taken to lie in the middle, by the logarithm, between the second level and memory.
        """
        near, memory = self.cache_bytes_per_second, self.copy_bytes_per_second
        if not (near and memory):
            return np.zeros((0, len(TERMS))), np.zeros(0)
        rates: dict[Beyond, float] = {"the cache": sqrt(near * memory), "the last cache": memory}
        names = [term.name for term in TERMS]
        rows, made = list[Floats](), list[float]()
        for number, term in enumerate(TERMS):
            if term.part == "passes" and term.beyond:
                row = np.zeros(len(TERMS))
                row[number] = rates[term.beyond]
                if term.near:
                    row[names.index(term.near)] = -near
                rows.append(row)
                made.append(0.0 if term.near else 1.0)
        return np.array(rows), np.array(made)

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
            raced.setdefault(cell.alone, []).append(parts.products_alone)
    seconds = {cell: median(taken) for cell, taken in raced.items() if median(taken) > 0}
    if not seconds:
        return None
    done = Machine(caches).work(seconds, one_by_one=False) * PRODUCTS
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
    if any(timing.parts for timing in timings):
        known, told = known + calls(timings, machine, one_by_one), PARTS
    paid = done @ known
    for row, (cell, _, parts) in enumerate(timings):
        if parts:  # what the products took, in the place of what they are priced at
            made = cell.batch * parts.products_alone if one_by_one else parts.products
            paid[row] += made - done[row, PRODUCTS] @ known[PRODUCTS]
    rows, left, scale = done @ told, whole - paid, whole
    if told is PARTS:
        hints, told_by_copies = machine.hints
        rows, left = np.vstack([rows, hints]), np.append(left, told_by_copies)
        scale = np.append(scale, np.full(len(hints), 1 / HINT))
    least = (told * machine.least[:, np.newaxis]).max(axis=0)
    each, at_least = prices.fitted(rows, left, scale, least)
    return Prices(told @ each + known, told @ at_least > 0)


def calls(timings: Iterable[Timing], machine: Machine, one_by_one: bool) -> Floats:
    """The prices of an engine's calls, (TERMS,), by what was raced of them: at the batch, and at a batch of one."""
    raced = [(timing.cell.bare, timing.parts) for timing in timings if timing.parts]
    cells = [cell for cell, _ in raced] + [cell.alone for cell, _ in raced]
    seconds = [parts.calls for _, parts in raced] + [parts.calls_alone for _, parts in raced]
    return _fitted_to(machine.work(cells, one_by_one) * CALLS, seconds)


def calls_alone(timings: Sequence[Timing], machine: Machine) -> list[float]:
    """What the calls at a batch of one take by these prices, in seconds, for each of the timings."""
    if not timings:
        return []
    one_by_one = goes_one_by_one(timings, machine)
    bare = [timing.cell.bare.alone for timing in timings]
    priced: list[float] = (machine.work(bare, one_by_one) @ calls(timings, machine, one_by_one)).tolist()
    return priced


def _fitted_to(done: Floats, seconds: Sequence[float]) -> Floats:
    taken = np.array(seconds)
    return prices.fitted(done, taken, taken, np.zeros(len(TERMS))).each
