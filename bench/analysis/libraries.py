"""The question inside each library: its loop over samples, its per-sample gradients at once, its whole batch.

What a library's functions cost is in all three: so a factor within one library tells of the change, and not of the
library, and can be set beside that of another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..cells.cell import Cell
from ..records.record import Record, Result
from . import intervals, ladder
from .intervals import Estimate

WAYS = ("loop over samples", "per-sample gradients at once", "whole batch")
LIBRARIES = {  # the engine that goes each of these ways
    "NumPy": ("per_sample", "stacked", "full_matrix"),
    "PyTorch": ("torch_loop", "torch_vmap", "torch_eager"),
    "JAX": ("jax_loop", "jax_vmap", "jax_jit"),
}


@dataclass(frozen=True)
class Way:
    """One of the WAYS, by its number, in a library and a cell.

    over_loop is the loop's time over its own, over_before that of the way before it; None where that was not timed.
    """

    number: int
    result: Result
    seconds: Estimate
    over_loop: Estimate | None
    over_before: Estimate | None


@dataclass(frozen=True)
class Family:
    """What was timed of a library in a cell, in the order of WAYS."""

    library: str
    ways: Sequence[Way]

    def way(self, number: int) -> Way | None:
        return next((way for way in self.ways if way.number == number), None)


@dataclass(frozen=True)
class Series:
    """Cells of one machine that differ in their batch alone, in its order."""

    records: Sequence[Record]

    def of(self, library: str) -> list[tuple[int, Family]]:
        """What was timed of the library, with the batch size of each cell where that is enough to compare."""
        return [
            (record.cell.batch, family)
            for record in self.records
            for family in families(record)
            if family.library == library
        ]

    def last_with(self, *numbers: int) -> tuple[int, list[Family]]:
        """The largest batch size at which two libraries or more were timed in all these ways, and they; 0 and none."""
        for record in reversed(self.records):
            whole = [family for family in families(record) if all(map(family.way, numbers))]
            if len(whole) > 1:
                return record.cell.batch, whole
        return 0, []


def families(record: Record) -> list[Family]:
    """The libraries of which two ways or more were timed; none where that is one library alone, as on the ladder."""
    timed = {result.name: result for result in record.contestants if result.seconds}
    found = []
    for library, names in LIBRARIES.items():
        ways = [_way(record, names, number, timed[name]) for number, name in enumerate(names) if name in timed]
        if len(ways) > 1:
            found.append(Family(library, ways))
    return found if len(found) > 1 else []


def series(found: Iterable[Record]) -> Iterator[Series]:
    """Each set of cells on random data that differ in their batch alone."""
    alike: dict[tuple[str, Cell], list[Record]] = {}
    for record in found:
        if record.cell.data == "random" and families(record):
            key = record.environment.machine, record.cell.alone
            alike.setdefault(key, []).append(record)
    for records in alike.values():
        yield Series(sorted(records, key=lambda record: record.cell.batch))


def _way(record: Record, names: Sequence[str], number: int, result: Result) -> Way:
    taken = intervals.typical(result.seconds)
    assert taken is not None, result.name
    loop, before = (ladder.between(record, names[other], result.name) for other in (0, max(number - 1, 0)))
    return Way(number, result, taken, loop if number else None, before if number else None)
