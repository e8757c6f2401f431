"""What a network's functions cost: each engine's step under other functions than the default, against that under it.

The machine's speed wanders between cells, so that times of different cells are never divided. But each race has the
floor, the products alone, and those are the same work whatever the functions are: so a step is counted in floors of its
own race, and two such numbers are divided. In eight races of one cell, on a machine that did nothing else, they had
standard deviations of 0.6 to 1.6 % for the four NumPy rungs, and no two were further apart than their interval.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from backprop.functions import HEAD, HIDDEN

from ..cells.cell import Cell
from ..records.record import Record
from . import ladder
from .intervals import Estimate


@dataclass(frozen=True)
class Comparison:
    """Races of one machine in cells that differ in their functions alone, that of the reference first."""

    records: Sequence[Record]

    @property
    def reference(self) -> Record:
        return self.records[0]

    @property
    def engines(self) -> list[str]:
        """Those that were timed in any of the cells: rungs in the order of the ladder, then the others."""
        tops = [top for record in self.records if (top := ladder.climb(record))]
        rungs = [rung.name for top in tops for rung in top.rungs]
        return list(dict.fromkeys([*rungs, *(rung.name for top in tops for rung in top.beside)]))

    def cost(self, record: Record, engine: str) -> Estimate | None:
        """The engine's step in this cell over that in the reference's, each in floors; None where either has none."""
        here, there = in_floors(record, engine), in_floors(self.reference, engine)
        return here.over(there) if here and there else None


def in_floors(record: Record, engine: str) -> Estimate | None:
    """A step of the engine in floors of its race; None where either was not timed."""
    return ladder.between(record, engine, record.floor.name) if record.floor else None


def comparisons(found: Iterable[Record]) -> Iterator[Comparison]:
    """Each set of two or more such cells with a floor.

    The reference is the cell of the default functions; where that was not raced, the first.
    """
    alike: dict[tuple[str, Cell], list[Record]] = {}
    for record in found:
        if record.cell.data == "random" and record.floor and record.floor.seconds:
            plain = msgspec.structs.replace(record.cell, hidden=HIDDEN, head=HEAD)
            alike.setdefault((record.environment.machine, plain), []).append(record)
    for (_, plain), records in alike.items():
        if len(records) > 1:
            yield Comparison(sorted(records, key=lambda record: record.cell != plain))
