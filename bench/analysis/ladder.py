"""A cell as a ladder: each engine against the one that it changes, down to the floor; and the others beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..cells.cell import format_sizes
from ..records.record import Record, Result
from . import intervals, speedups
from .intervals import Estimate
from .question import HEADLINE


@dataclass(frozen=True)
class Rung:
    """An engine in one cell: what a step takes, and the time of the engine `base` over its own; the first has none."""

    name: str
    seconds: Estimate
    base: str | None = None
    factor: Estimate | None = None


@dataclass(frozen=True)
class Ladder:
    """The rungs in order; the fastest of them; whoever is no rung, against the fastest; the floor under it."""

    record: Record
    rungs: tuple[Rung, ...]
    fastest: Rung
    beside: tuple[Rung, ...]
    floor: Rung | None

    @property
    def level(self) -> list[str]:
        """The fastest rung, and after it those that the noise floor does not tell from it."""
        rungs = [rung.name for rung in self.rungs]
        return [result.name for result in speedups.level(self.record, rungs)]


def climb(record: Record) -> Ladder | None:
    """The ladder of a record, None where nothing on it was timed.

    A rung is an engine that names the one it changes, or is so named, or is what speedups are relative to. Where
    the one that it changes was not timed, it is compared with the rung before it.
    """
    on_it = _in_order(_rungs(record))
    if not on_it:
        return None
    placed: dict[str, Result] = {}
    rungs = []
    for result in on_it:
        base = placed.get(result.after or "") or next(reversed(placed.values()), None)
        rungs.append(_rung(record, result, base))
        placed[result.name] = result
    fastest = min(rungs, key=lambda rung: rung.seconds.value)
    base = placed[fastest.name]
    return Ladder(
        record,
        tuple(rungs),
        fastest,
        tuple(_rung(record, result, base) for result in _timed(record) if result.name not in placed),
        _rung(record, record.floor, base) if record.floor and record.floor.seconds else None,
    )


def headline(found: Sequence[Record]) -> Ladder | None:
    """The ladder to show of a folder: of the project's own cell, or as near to it as there is.

    That is its network and batch size with other functions, then in whatever setting; else the cell of most engines,
    and of those the one in the middle of the batch sizes.
    """
    batches = sorted({record.cell.batch for record in found})

    def interest(record: Record) -> tuple[bool, bool, bool, int, int]:
        cell = record.cell
        is_its = HEADLINE.startswith(f"{format_sizes(cell.sizes)}-b{cell.batch}-")
        off = abs(2 * batches.index(cell.batch) - (len(batches) - 1))
        return cell.id == HEADLINE, cell.id.startswith(f"{HEADLINE}-"), is_its, len(_timed(record)), -off

    raced = [record for record in found if record.cell.data == "random" and _rungs(record)]
    top = climb(max(raced, key=interest)) if raced else None
    return top if top and len(top.rungs) > 1 else None


def between(record: Record, one: str, other: str) -> Estimate | None:
    """The time of one contestant over the time of another, the floor among them; None where either has none."""
    field = [*record.contestants, *([record.floor] if record.floor else [])]
    runs = {result.name: result for result in field if result.seconds}
    return speedups.factor(record, runs[one], runs[other]) if one in runs and other in runs else None


def _timed(record: Record) -> list[Result]:
    return [result for result in record.contestants if result.seconds]


def _rungs(record: Record) -> list[Result]:
    """The contestants on the ladder that were timed, as they were named."""
    named = {result.after for result in record.contestants}
    first = speedups.baseline(record)
    return [result for result in _timed(record) if result.after is not None or result.name in named or result is first]


def _in_order(rungs: list[Result]) -> list[Result]:
    """Each after the one that it changes; where that does not decide, as they were named."""
    left, ordered = list(rungs), []
    while left:
        names = {result.name for result in left}
        following = next((result for result in left if result.after not in names), left[0])
        ordered.append(following)
        left.remove(following)
    return ordered


def _rung(record: Record, result: Result, base: Result | None) -> Rung:
    taken = intervals.typical(result.seconds)
    assert taken is not None, result.name
    if base is None:
        return Rung(result.name, taken)
    return Rung(result.name, taken, base.name, speedups.factor(record, base, result))
