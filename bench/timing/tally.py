"""What the passes of a race have found so far, place by place, and what comes of it for the record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from statistics import median

from ..cells.entry import Entry
from ..records.record import Noise, Result
from .floor import Floor
from .lane import Found


@dataclass
class Tally:
    """What the passes of a race have found at one place."""

    first: Found
    seconds: list[list[float | None]] = field(default_factory=list)
    left_out: str | None = None
    failed: bool = False

    def add(self, found: Found) -> None:
        self.seconds.append(found.seconds)
        self.left_out, self.failed = found.left_out, found.failed

    def result(self, name: str, by: str | None = None) -> Result:
        first = self.first
        if self.left_out:
            return Result(name, left_out=self.left_out, failed=self.failed, commit=first.commit, after=first.after)
        return Result(
            name,
            self.seconds,
            first.place.steps,
            first.gradient_error,
            first.peak_bytes,
            commit=first.commit,
            after=first.after,
            first_step_seconds=first.first_step_seconds,
            by=by,
        )

    @property
    def typical(self) -> float:
        """The median of the slices, seconds per step; infinite without any."""
        slices = [] if self.left_out else [taken for rounds in self.seconds for taken in rounds if taken is not None]
        return median(slices) if slices else inf


def of_role(tallies: Sequence[Tally], role: str) -> list[Tally]:
    return [tally for tally in tallies if tally.first.place.role == role]


def noise_of(tallies: Sequence[Tally], entries: Sequence[Entry]) -> Noise | None:
    """The slices of the second copy, if one was raced to the end."""
    for twin in of_role(tallies, "twin"):
        if not twin.left_out:
            return Noise(entries[twin.first.place.entry or 0].name, twin.seconds)
    return None


def floor_of(tallies: Sequence[Tally], entries: Sequence[Entry]) -> Result | None:
    """The fastest floor, or why there is none; None where none was raced."""
    lowest = min(of_role(tallies, "floor"), key=lambda tally: tally.typical, default=None)
    if lowest is None:
        return None
    whose = lowest.first.place.entry
    return lowest.result(Floor.name, by=None if whose is None else entries[whose].name)
