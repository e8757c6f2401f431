"""Figures of races: factors, times, efficiencies, noise."""

from __future__ import annotations

from msgspec.structs import replace

from bench.analysis import intervals, speedup_frame, speedups
from bench.analysis.intervals import Estimate
from bench.analysis.question import BASELINE, HEADLINE
from bench.report import crossing, numbers

from . import published
from .registry import UntrueError, figure


def estimate(folder: str, engine: str, cell: str, baseline: str = BASELINE) -> Estimate:
    """The baseline's time over the engine's."""
    race = published.race(folder, cell)
    factor = speedups.factor(race, published.result(race, baseline), published.result(race, engine))
    assert factor is not None
    return factor


def with_ends(value: Estimate) -> str:
    """4.40x (4.22 to 4.59): a factor with its interval, in a sentence."""
    return f"{numbers.factor(value.value)} ({' to '.join(numbers.factor(end)[:-1] for end in (value.low, value.high))})"


def percent(share: float, digits: int = 0) -> str:
    return f"{100 * share:.{digits}f} %"


@figure
def speedup(folder: str, engine: str, cell: str = HEADLINE, baseline: str = BASELINE) -> str:
    """The factor with its interval."""
    return with_ends(estimate(folder, engine, cell, baseline))


@figure
def factor(folder: str, engine: str, cell: str = HEADLINE, baseline: str = BASELINE) -> str:
    """The factor alone."""
    return numbers.factor(estimate(folder, engine, cell, baseline).value)


@figure
def epoch(folder: str, engine: str, cell: str = "mnist5k") -> str:
    """What an epoch takes the baseline and the engine, and the factor."""
    race = published.race(folder, cell)
    taken = []
    for contestant in (published.result(race, BASELINE), published.result(race, engine)):
        a_step = intervals.typical(contestant.seconds)
        assert a_step is not None
        taken.append(numbers.seconds(a_step.value * (contestant.steps_per_slice or 1)))
    return f"{' to '.join(taken)} ({numbers.factor(estimate(folder, engine, cell).value)})"


@figure
def of_floor(folder: str, engine: str, cell: str = HEADLINE) -> str:
    """The efficiency: the time of the products alone over the engine's."""
    race = published.race(folder, cell)
    share = speedups.efficiency(race, published.result(race, engine))
    assert share is not None
    return percent(share.value)


@figure
def smallest(folder: str, engine: str) -> str:
    """The smallest factor of all cells with random data, and its batch size."""
    return _extreme(folder, engine, min)


@figure
def largest(folder: str, engine: str) -> str:
    return _extreme(folder, engine, max)


def _extreme(folder: str, engine: str, choose) -> str:
    timed = [
        (factor.value, race.cell.batch)
        for race in published.records(folder)
        for result in race.contestants
        if race.cell.data == "random" and result.name == engine and (factor := speedups.speedup(race, result))
    ]
    value, batch = choose(timed)
    return f"{numbers.factor(value)} at batch {batch}"


@figure
def ahead_from(folder: str, engine: str) -> str:
    """The batch size, of those raced with the headline's network, from which on the engine is surely ahead."""
    headline = published.race(folder).cell
    like = [race for race in published.records(folder) if race.cell == replace(headline, batch=race.cell.batch)]
    after = crossing.ahead_from(
        {race.cell.batch: speedups.is_ahead(race, estimate(folder, engine, race.cell.id)) for race in like}
    )
    if not after:
        raise UntrueError(f"{engine} is ahead at no batch size from which on it stays so")
    return f"batch {after[0]} on"


@figure
def noise(folder: str) -> str:
    """The noise floor in the median cell, and in the worst."""
    found = speedup_frame.noise(published.rows(folder))
    assert found is not None
    return f"{percent(found.median, 1)} in the median cell and {percent(found.worst, 1)} in the worst"
