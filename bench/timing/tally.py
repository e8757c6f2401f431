"""What the passes of a race have found at one place, and what comes of it for the record."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from statistics import median

from ..cells.entry import Entry
from ..records.record import Noise, Part, Result
from .floor import Floor
from .lane import Place

Tally = list[Place]
"""A place as each pass has found it, one after the other."""


def result_of(
    tally: Tally, name: str, commit: str | None = None, by: str | None = None, within: Sequence[Tally] = ()
) -> Result:
    """The result of a place, as its passes and the parts of it among `within` tell it."""
    first, last = tally[0], tally[-1]
    if last.left_out:
        return Result(
            name, left_out=last.left_out, failed=last.failed, commit=commit, after=first.after, cell=first.cell
        )
    own = [part for part in within if part[0].part and (part[0].role, part[0].entry) == (first.role, first.entry)]
    return Result(
        name,
        [place.seconds for place in tally],
        first.steps,
        first.gradient_error,
        first.peak_bytes,
        commit=commit,
        after=first.after,
        first_step_seconds=first.first_step_seconds,
        by=by,
        cell=first.cell,
        parts=[
            Part(part[0].cell, [place.seconds for place in part])
            for part in own
            if part[0].cell and not part[-1].left_out
        ],
    )


def of_role(tallies: Sequence[Tally], role: str) -> list[Tally]:
    """The tallies of this role, but not of what is a part of one of them."""
    return [tally for tally in tallies if tally[0].role == role and not tally[0].part]


def noise_of(tallies: Sequence[Tally], entries: Sequence[Entry]) -> Noise | None:
    """The slices of the second copy, if one was raced to the end."""
    for twin in of_role(tallies, "twin"):
        if not twin[-1].left_out:
            return Noise(entries[twin[0].entry or 0].name, [place.seconds for place in twin])
    return None


def floor_of(tallies: Sequence[Tally], entries: Sequence[Entry]) -> Result | None:
    """The fastest floor, or why there is none; None where none was raced."""

    def typical(tally: Tally) -> float:
        """The median of the slices, seconds per step; infinite without any."""
        slices = [taken for place in tally for taken in place.seconds if taken is not None]
        return inf if tally[-1].left_out else median(slices)

    lowest = min(of_role(tallies, "floor"), key=typical, default=None)
    if lowest is None:
        return None
    whose = lowest[0].entry
    return result_of(lowest, Floor.name, by=None if whose is None else entries[whose].name, within=tallies)
