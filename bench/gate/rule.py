"""The gate's rule: from paired passes to regressed, improved, unchanged or inconclusive, one row at a time.

A row is an engine in a cell. A pass gives it one log-ratio, change over base, and passes are independent: each is a
process of its own. From time to time the row is looked at: the interval of its slowdown (intervals.over_passes: trimmed
mean, Tukey and McLaughlin) is held against the tolerance, and a verdict is given only where the *whole* interval
lies on one side.

- regressed: the interval lies above 1 + tolerance, and so does the plain 95 % interval of new passes, taken after
  the row was first suspected. A row that new passes do not confirm is never reported as regressed.
- improved: the interval lies below 1 / (1 + tolerance).
- unchanged: the interval lies between the two.
- inconclusive: none of these when the time is spent. `resolution` is the slowdown that could have been told.

No verdict is given while the A/A arm (the base against a second engine of itself, in the same rounds) excludes 1:
then the machine, not the change, makes the difference.

The error is held at 1 % for a whole run by Bonferroni's inequality over everything that is looked at. A row has
ERROR / rows of it, and its look k = 1, 2, ... spends the share 3 / ((k + 2) (k + 3)) of that, fixed beforehand: the
shares of all looks, however many, add up to 1. (Spending an error over looks: K. Lan and D. DeMets, "Discrete
sequential boundaries for clinical trials", Biometrika 1983.) Bonferroni's bound needs no independence of rows or
looks. A look is due after 12, 17, 24, 33, 46, ... passes, two fifths more each time; and at the end, after 5 or more.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ..analysis.intervals import Estimate, over_passes

ERROR = 0.01  # that anything at all is called wrongly in a whole run
FIRST_LOOK, GROWTH = 12, 1.4  # in passes
FEWEST = 5  # passes that a last look needs: an interval over fewer, at a run's confidence, says nothing

Verdict = Literal["regressed", "improved", "unchanged", "inconclusive"]


def due(look: int) -> int:
    """After how many passes look number 1, 2, ... is due."""
    return round(FIRST_LOOK * GROWTH ** (look - 1))


def confidence(look: int, rows: int) -> float:
    """The confidence of the interval at look number 1, 2, ... in a run that decides on this many rows."""
    return 1 - ERROR / rows * 3 / ((look + 2) * (look + 3))


@dataclass
class Row:
    """What is known of one engine in one cell; `rows` is how many of them the run decides on.

    slowdowns and identical hold a log-ratio for each pass: change over base, and of the A/A arm twin over base.
    slowdown and noise are their estimates at the latest look. suspected is the number of passes when the
    interval first lay above the tolerance.
    """

    tolerance: float
    rows: int
    slowdowns: list[float] = field(default_factory=list)
    identical: list[float] = field(default_factory=list)
    looks: int = 0
    suspected: int | None = None
    slowdown: Estimate | None = None
    noise: Estimate | None = None
    verdict: Verdict | None = None

    def add(self, slowdown: float, identical: float) -> None:
        """Take in a pass, and look at the row if that is due."""
        self.slowdowns.append(slowdown)
        self.identical.append(identical)
        if len(self.slowdowns) == due(self.looks + 1):
            self._look()

    def close(self) -> None:
        """The time is spent: a last look, at passes that no look has seen; then, without a verdict, inconclusive."""
        if self.verdict is None and len(self.slowdowns) > (due(self.looks) if self.looks else FEWEST - 1):
            self._look()
        self.verdict = self.verdict or "inconclusive"

    @property
    def limit(self) -> float:
        return 1 + self.tolerance

    @property
    def drowned(self) -> bool:
        """Whether the A/A arm tells two engines of the same code apart."""
        return self.noise is not None and not self.noise.low <= 1 <= self.noise.high

    @property
    def may_be_slower(self) -> bool:
        """Whether a slowdown beyond the tolerance has not been excluded."""
        return self.slowdown is None or self.drowned or self.slowdown.high > self.limit

    @property
    def resolution(self) -> float | None:
        """The smallest slowdown, as a share, that would have been told from the tolerance by the latest look."""
        if self.slowdown is None or self.noise is None:
            return None
        reach = self.slowdown.high / self.slowdown.value
        return self.limit * (max(reach, 1 + self.noise.uncertainty) if self.drowned else reach) - 1

    def _look(self) -> None:
        self.looks += 1
        level = confidence(self.looks, self.rows)
        self.slowdown = over_passes(self.slowdowns, level)
        self.noise = over_passes(self.identical, level)
        if self.drowned:
            return
        if self.slowdown.low > self.limit:
            if self.suspected is None:
                self.suspected = len(self.slowdowns)
            elif over_passes(self.slowdowns[self.suspected :]).low > self.limit:
                self.verdict = "regressed"
        elif self.slowdown.high < 1 / self.limit:
            self.verdict = "improved"
        elif 1 / self.limit <= self.slowdown.low and self.slowdown.high <= self.limit:
            self.verdict = "unchanged"
