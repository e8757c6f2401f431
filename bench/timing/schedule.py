"""How many passes a race has, and how long each: as precise as can be in the seconds that it is given."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

PASSES = (5, 20)  # the fewest that give an interval worth printing, and where more no longer pay
START_SECONDS = 0.3  # what a pass is expected to take beyond its rounds, until one has been seen
# Of two variances, between processes (1.5 % of a ratio, squared) and within a second of rounds in one (0.4 %): a pass
# of the square root of this times its start gets most precision out of both. Measured on an Intel Xeon.
BALANCE_SECONDS = 0.08


@dataclass
class Schedule:
    """How many passes there are, and how long each: as precise as can be in the seconds of the race.

    The first pass counts with its rounds alone: the checks come on top. overhead is what a later one takes beyond its
    rounds, to start its process and its engines, as was seen of late.
    """

    left: float
    overhead: float = START_SECONDS
    done: int = 0

    @property
    def seconds(self) -> float:
        """Of rounds in the next pass: as long as pays, longer where the most passes leave time over."""
        return max(sqrt(BALANCE_SECONDS * self.overhead), self.left / (PASSES[1] - self.done) - self.overhead)

    @property
    def over(self) -> bool:
        """Whether there is no next pass: there are the most, or the fewest and no time for another."""
        fewest, most = PASSES
        return self.done == most or (self.done >= fewest and self.left < self.overhead + self.seconds)

    def after_this(self) -> Schedule:
        """What is expected to be left when the next pass is over."""
        return Schedule(self.left - self.seconds - (self.overhead if self.done else 0), self.overhead, self.done + 1)

    def took(self, seconds: float, of_rounds: float) -> None:
        """A pass took these seconds, those of its rounds among them."""
        if self.done:
            self.overhead = max(seconds - of_rounds, 0.0)
        self.left -= seconds if self.done else of_rounds
        self.done += 1
