"""An engine in a cell while the gate races it: how long a pass is, what it is judged by, and what was found."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log
from statistics import fmean, median

from .blame import Rivals
from .findings import Finding
from .one_pass import ARMS, BASE, CHANGE, TWIN, Lap, Rounds
from .rule import FEWEST, Row


@dataclass(eq=False)
class Track:
    """An engine in a cell while it is raced: how long a pass of it is, what it is judged by, every slice."""

    rivals: Rivals
    lap: Lap
    row: Row
    passes: dict[str, list[list[float]]] = field(default_factory=lambda: {arm: [] for arm in ARMS})

    @property
    def engine(self) -> str:
        return self.rivals.engine

    def add(self, rounds: Rounds) -> None:
        for arm in ARMS:
            self.passes[arm].append([float(f"{taken:.5g}") for taken in rounds.seconds[arm]])
        self.row.add(*pass_ratios(rounds.seconds))

    def finding(self) -> Finding:
        row = self.row
        return Finding(
            engine=self.engine,
            cell=self.lap.cell,
            verdict=row.verdict or "inconclusive",
            slowdown=row.slowdown,
            noise=row.noise,
            resolution=row.resolution,
            why=_why(row),
            may_be_slower=row.may_be_slower,
            steps_per_slice=self.lap.steps or 0,
            seconds=self.passes,
        )


def pass_ratios(seconds: dict[str, list[float]]) -> tuple[float, float]:
    """A pass in a cell as two log-ratios: change over base, and twin over base.

    The first is the mean of the change's medians over the base and over its twin: the A/A arm's slices are not
    wasted, and by exchanging the names one sees that identical code gives 0 on average, also with skewed noise.
    """

    def over(numerator: str, denominator: str) -> float:
        return median(log(a / b) for a, b in zip(seconds[numerator], seconds[denominator], strict=True))

    return fmean((over(CHANGE, BASE), over(CHANGE, TWIN))), over(TWIN, BASE)


def _why(row: Row) -> str | None:
    """What stood in the way of a verdict."""
    if row.verdict != "inconclusive":
        return None
    passes = len(row.slowdowns)
    if not passes:
        return "no time for a pass"
    if row.slowdown is None or row.noise is None:
        return f"time for {passes} of the {FEWEST} passes that a look needs"
    if row.drowned:
        return f"two engines of the same code differ by {abs(row.noise.value - 1):.1%} here"
    if row.suspected and row.slowdown.low > row.limit:
        return "looked slower, but new passes had not confirmed it when the time was spent"
    return f"{passes} passes were not enough"
