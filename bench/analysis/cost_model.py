"""The cost model: what a step takes where nothing was raced, as prices times counts of work, for each engine.

    seconds = calls + products + passes

Each part is a sum over the terms of bench/analysis/work.py, and fitted to what was raced of it (bench/analysis/
shares.py): calls to an engine's own on networks with one unit a layer, products to the floors of all races of a
machine, dtype and number of threads, whatever the engine, passes to what is left; all of it brought to the usual pace
of the machine (bench/analysis/pace.py), which is what prices are for. A race without such parts counts by what a step
took as a whole. The functions of the network are terms like others, and a call or a byte costs the same
in both dtypes: so a model is of all that were raced on a machine with so many threads, together and apart.

Its errors are those of cells that the fit has not seen, at the usual pace. Where it breaks: products that a trial in a
bad moment gave a slow form; a second thread that pays in some cells only; sizes that are powers of two, whose rows meet
in the same places of a cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from statistics import median
from typing import NamedTuple

import numpy as np

from ..cells.cell import Cell, Setting
from ..records.record import Record
from . import fit, intervals, pace, shares
from .fit import CALLS, PASSES, PRODUCTS, Machine, Timing
from .prices import Floats
from .shares import Shares
from .work import TERMS, Caches, Term

FEWEST = (8, 3, 2)  # cells, batch sizes and layer sizes that a fit must have, to be judged without each in turn
FOLDS = 12  # groups of batch sizes, or of layer sizes, that are left out in turn, at most
RESAMPLES = 199  # of the cells, for the interval of a crossover


class Place(NamedTuple):
    """Where an engine has one model: what does not enter its counts."""

    machine: str
    threads: int

    def __str__(self) -> str:
        """Without the machine, as in a cell's id."""
        return f"t{self.threads}"


class Miss(NamedTuple):
    """A prediction of a cell by a fit that had not seen its batch size, or its layer sizes; error is relative.

    But for the products of a batch of one: every race of those layer sizes has them among its parts.
    """

    cell: Cell
    error: float


@dataclass(frozen=True)
class Model:
    """The prices of an engine, in seconds for each unit of TERMS, and the timings that they were fitted to.

    Prices and timings are at the machine's usual pace; paces are those of the races, as factors of it, least and most.
    at_least are the terms whose price is the least that the machine can have: fitted, they were less.
    """

    engine: str
    place: Place
    machine: Machine
    one_by_one: bool
    timings: tuple[Timing, ...]
    paces: tuple[float, float]
    prices: tuple[float, ...]
    at_least: tuple[Term, ...]
    unseen: tuple[Miss, ...]

    def price(self, name: str) -> float:
        """The price of the term of this name."""
        return self.prices[[term.name for term in TERMS].index(name)]

    def shares(self, cell: Cell, pace: float = 1.0) -> Shares:
        spent = self.work([cell])[0] * self.prices
        calls, products, passes = (float(spent[part].sum()) for part in (CALLS, PRODUCTS, PASSES))
        return Shares(pace * calls, products, pace * passes)

    def work(self, cells: Sequence[Cell]) -> Floats:
        """What these cells' steps take of each of TERMS, (cells, terms)."""
        return self.machine.work(cells, self.one_by_one)

    def seconds(self, cell: Cell) -> float:
        """The prediction for a step at the usual pace."""
        return sum(self.shares(cell))

    @property
    def cells(self) -> tuple[Cell, ...]:
        return tuple(timing.cell for timing in self.timings)

    @property
    def median_error(self) -> float:
        return median(abs(miss.error) for miss in self.unseen)

    @property
    def worst(self) -> Miss:
        """The worst that was seen so far."""
        return max(self.unseen, key=lambda miss: abs(miss.error))

    def is_of(self, setting: Setting) -> bool:
        """Whether cells of this setting have prices here: its dtype and both its functions were raced, even apart."""
        return self.place == (setting.machine, setting.threads) and all(
            getattr(setting, field) in {getattr(cell, field) for cell in self.cells}
            for field in ("dtype", "hidden", "head")
        )

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
        """Prices (RESAMPLES, terms) of cells drawn with replacement; models of the same cells draw the same ones."""
        rng = np.random.default_rng(0)
        draws = rng.integers(len(self.timings), size=(RESAMPLES, len(self.timings)))
        drawn = ([self.timings[i] for i in draw] for draw in draws)
        return np.array([fit.engine(timings, self.machine, self.one_by_one).each for timings in drawn])


def models(found: Iterable[Record]) -> list[Model]:
    """A model for each machine, number of threads and engine timed in enough cells; of a data set there are none."""
    places: dict[tuple[Place, Caches], list[Record]] = {}
    for record in found:
        if record.cell.data == "random":
            place = Place(record.setting.machine, record.cell.threads)
            caches = Caches(record.environment.l2_bytes, record.environment.last_level_bytes)
            places.setdefault((place, caches), []).append(record)
    return [model for (place, caches), records in places.items() for model in _at_place(place, caches, records)]


def _at_place(place: Place, caches: Caches, records: Sequence[Record]) -> Iterator[Model]:
    peaks = [record.peak for record in records if record.peak]
    near = [peak.cache_bytes_per_second / place.threads for peak in peaks if peak.cache_bytes_per_second]  # of a core
    memory = [peak.copy_bytes_per_second for peak in peaks]

    races = [timings_of(record) for record in records]
    paces = pace.of_races(races, Machine(caches))
    timed: dict[str, dict[Cell, Timing]] = {}
    for race, own_pace in zip(races, paces, strict=True):
        for engine, timing in race.items():
            timed.setdefault(engine, {})[timing.cell] = timing.at_usual(own_pace)
    every = [timing for own in timed.values() for timing in own.values()]

    @cache
    def machine_without(cells: frozenset[Cell]) -> Machine:
        seen = [timing for timing in every if timing.cell not in cells]
        return Machine(caches, _usual(near), _usual(memory), fit.products(seen, caches))

    for engine, own in timed.items():
        if _are_enough(own):
            yield _model(engine, place, machine_without, list(own.values()), (min(paces), max(paces)))


def _usual(rates: Sequence[float]) -> float | None:
    return median(rates) if rates else None


def timings_of(record: Record) -> dict[str, Timing]:
    """What a step of each contestant took, by its name, and its parts, at the pace of the race."""
    return {
        result.name: Timing(record.cell, typical.value, shares.measured(record, result))
        for result in record.contestants
        if (typical := intervals.typical(result.seconds))
    }


def _are_enough(cells: Iterable[Cell]) -> bool:
    own = list(cells)
    have = (len(own), len({cell.batch for cell in own}), len({cell.sizes for cell in own}))
    return all(number >= least for number, least in zip(have, FEWEST, strict=True))


def _model(
    engine: str,
    place: Place,
    machine_without: Callable[[frozenset[Cell]], Machine],
    timings: Sequence[Timing],
    paces: tuple[float, float],
) -> Model:
    """The model of these timings, with a prediction of each cell without its batch size and one without its sizes."""
    machine = machine_without(frozenset())
    one_by_one = fit.goes_one_by_one(timings, machine)

    def fitted(to: Sequence[Timing], machine: Machine, unseen: Sequence[Miss] = ()) -> Model:
        each, held = fit.engine(to, machine, one_by_one)
        at_least = tuple(term for term, is_least in zip(TERMS, held, strict=True) if is_least)
        prices, misses = tuple(each.tolist()), tuple(unseen)
        return Model(engine, place, machine, one_by_one, tuple(to), paces, prices, at_least, misses)

    misses = []
    for field in ("batch", "sizes"):
        values = dict.fromkeys(getattr(timing.cell, field) for timing in timings)
        fold_of = {value: number % FOLDS for number, value in enumerate(values)}
        folds = [fold_of[getattr(timing.cell, field)] for timing in timings]
        for fold in dict.fromkeys(folds):
            unseen = [timing for timing, own in zip(timings, folds, strict=True) if own == fold]
            seen = [timing for timing, own in zip(timings, folds, strict=True) if own != fold]
            model = fitted(seen, machine_without(frozenset(timing.cell for timing in unseen)))
            misses += [Miss(cell, model.seconds(cell) / seconds - 1) for cell, seconds, _ in unseen]
    return fitted(timings, machine, misses)
